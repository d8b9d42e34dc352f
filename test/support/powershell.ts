/** PowerShell's grammar, for machines without PowerShell. */
import { createRequire } from 'node:module';
import { Language, type Node, Parser } from 'web-tree-sitter';

export interface PowerShellScript {
  /** `line:column` of what is no PowerShell. */
  readonly faults: readonly string[];
  /** Functions that are defined. */
  readonly functions: readonly string[];
  /** Commands that are called, by name; those behind `&` as they are written. */
  readonly commands: readonly string[];
  /** Named parameters by command: `Join-Path` → `Path` … as written, without the dash. */
  readonly parameters: readonly { readonly command: string; readonly name: string }[];
}

export async function parsePowerShell(text: string): Promise<PowerShellScript> {
  const parser = await powerShellParser();
  const tree = parser.parse(text);
  if (tree === null) throw new Error('the parser gave no tree');
  const faults: string[] = [];
  const functions: string[] = [];
  const commands: string[] = [];
  const parameters: { command: string; name: string }[] = [];
  walk(tree.rootNode, (node) => {
    if (node.isError || node.isMissing) {
      faults.push(`${node.startPosition.row + 1}:${node.startPosition.column + 1}`);
    }
    if (node.type === 'function_name') functions.push(node.text);
    if (node.type !== 'command') return;
    const command = node.childForFieldName('command_name')?.text ?? '';
    commands.push(command);
    walk(node, (part) => {
      const isOwn = part.type === 'command_parameter' && closestCommand(part)?.id === node.id;
      if (isOwn) parameters.push({ command, name: part.text.replace(/^-|:$/g, '') });
    });
  });
  return { faults, functions, commands, parameters };
}

let known: Promise<Parser> | null = null;

function powerShellParser(): Promise<Parser> {
  known ??= loadParser();
  return known;
}

async function loadParser(): Promise<Parser> {
  await Parser.init();
  const grammar = createRequire(import.meta.url).resolve(
    'tree-sitter-powershell/tree-sitter-powershell.wasm',
  );
  const parser = new Parser();
  parser.setLanguage(await Language.load(grammar));
  return parser;
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of node.children) if (child !== null) walk(child, visit);
}

function closestCommand(node: Node): Node | null {
  for (let parent = node.parent; parent !== null; parent = parent.parent) {
    if (parent.type === 'command') return parent;
  }
  return null;
}
