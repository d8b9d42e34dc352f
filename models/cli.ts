/**
 * `npm run models -- list | pull NAME | build NAME | verify [NAME] | rm NAME | embed SOURCE_ROOT`
 *
 * Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type ArgsDef, defineCommand, renderUsage, runCommand } from 'citty';

import {
  formatBytes,
  formatTable,
  listAsData,
  listAsTable,
  reportAsRows,
  startProgress,
} from '#models/cli-output.ts';
import { createHub } from '#models/hub.ts';
import { installModel } from '#models/install.ts';
import { SOURCE_MANIFEST } from '#models/manifest.ts';
import { ModelError } from '#models/model-error.ts';
import { pullModel } from '#models/pull.ts';
import { readSecretFile } from '#models/read-secret-file.ts';
import { findModel, MODELS, namesOf } from '#models/registry.ts';
import { listInstalled, openStore, removeModel, sourceDirOf } from '#models/store.ts';
import { MODEL_TARGETS, type ModelTarget } from '#models/target.ts';
import { isIntact, verifyModels } from '#models/verify.ts';
import { resolveSecretFiles } from '#shared/secret-files.ts';

const { env } = process;
const store = openStore(env['MODELS_DIR']);

/** @throws ModelError when HF_TOKEN_FILE cannot be used */
function hubToken(): string | undefined {
  const { environment, faults } = resolveSecretFiles(env, ['HF_TOKEN'], readSecretFile);
  if (faults.length > 0) throw new ModelError('bad-setting', faults.join(' ').trim());
  return environment['HF_TOKEN']?.trim();
}

const nameArg = {
  type: 'positional',
  description: 'Name or alias of a model',
  required: true,
} as const;
const targets: ModelTarget[] = [...MODEL_TARGETS];
const targetArg = {
  type: 'enum' as const,
  options: targets,
  default: 'cpu' as const,
  description: 'What to build for',
};

const list = defineCommand({
  meta: { name: 'list', description: 'Shows the known models, their sizes and what is installed' },
  args: { json: { type: 'boolean', description: 'As JSON' } },
  run({ args }) {
    const installed = listInstalled(store);
    const { json } = args;
    const text = json
      ? `${JSON.stringify(listAsData(installed), null, 2)}\n`
      : listAsTable(installed);
    process.stdout.write(text);
    for (const problem of installed.problems) process.stderr.write(`warning: ${problem}\n`);
  },
});

const pull = defineCommand({
  meta: { name: 'pull', description: 'Downloads a model and builds it' },
  args: {
    name: nameArg,
    target: targetArg,
    build: {
      ...({ type: 'boolean', default: true } as const),
      description: 'Build after the download',
      negativeDescription: 'Only download',
    },
  },
  async run({ args }) {
    const entry = findModel(args.name);
    const hub = createHub({ endpoint: env['HF_ENDPOINT'], token: hubToken() });
    const interrupt = new AbortController();
    const onInterrupt = () => interrupt.abort();
    process.once('SIGINT', onInterrupt);
    const progress = startProgress(process.stderr);
    try {
      const { signal } = interrupt;
      const { files } = await pullModel({
        ...{ entry, hub, store, signal },
        onProgress: ({ file, doneBytes, totalBytes }) =>
          progress.update(doneBytes, totalBytes, file),
      });
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      say(`${entry.name}: ${files.length} files, ${formatBytes(bytes)}, hashes right`);
    } finally {
      progress.stop();
      process.off('SIGINT', onInterrupt);
    }
    if (args.build) await build(entry.name, args.target, sourceDirOf(store, entry.name));
  },
});

const buildCommand = defineCommand({
  meta: { name: 'build', description: 'Builds a downloaded model, or one from a folder' },
  args: {
    name: nameArg,
    target: targetArg,
    from: { type: 'string', description: 'Folder in the Hugging Face layout', valueHint: 'DIR' },
    language: {
      ...({ type: 'string', valueHint: 'CODE' } as const),
      description: 'With --from: the language of an aligner, e.g. ga; * for any',
    },
  },
  async run({ args }) {
    if (args.from !== undefined) {
      const languages = args.language === undefined ? undefined : [languageCode(args.language)];
      return build(canonicalName(args.name), args.target, resolve(args.from), languages);
    }
    const { name } = findModel(args.name);
    const sourceDir = sourceDirOf(store, name);
    if (existsSync(join(sourceDir, SOURCE_MANIFEST))) return build(name, args.target, sourceDir);
    const text = `${name} is not downloaded. Run: npm run models -- pull ${name}`;
    throw new ModelError('not-installed', text);
  },
});

const verify = defineCommand({
  meta: { name: 'verify', description: 'Reads all files again and checks their hashes' },
  args: { name: { ...nameArg, required: false } },
  async run({ args }) {
    const installed = listInstalled(store);
    const name = args.name === undefined ? undefined : canonicalName(args.name);
    const isAsked = (item: { readonly manifest: { readonly name: string } }) =>
      name === undefined || item.manifest.name === name;
    const asked = {
      built: installed.built.filter(isAsked),
      sources: installed.sources.filter(isAsked),
    };
    const problems = name === undefined ? installed.problems : [];
    if (name !== undefined && asked.built.length + asked.sources.length === 0) {
      throw new ModelError('not-installed', `${name} is not installed, or its manifest is broken.`);
    }
    const reports = await verifyModels(asked);
    if (reports.length === 0) say('Nothing is installed.');
    else process.stdout.write(formatTable(reports.flatMap(reportAsRows)));
    for (const problem of problems) process.stderr.write(`error: ${problem}\n`);
    if (problems.length > 0 || !reports.every(isIntact)) process.exitCode = 1;
  },
});

const rm = defineCommand({
  meta: { name: 'rm', description: 'Deletes the files of a model' },
  args: { name: nameArg },
  async run({ args }) {
    const name = canonicalName(args.name);
    const freed = await removeModel(store, name);
    if (freed > 0) return say(`${name}: ${formatBytes(freed)} freed`);
    const isEmbedded = listInstalled(store).built.some(({ manifest }) => manifest.name === name);
    const state = isEmbedded ? 'is embedded in the project and stays' : 'is not installed';
    throw new ModelError('not-installed', `${name} ${state}.`);
  },
});

const embed = defineCommand({
  meta: { name: 'embed', description: 'Builds the models that are shipped with the project' },
  args: {
    source: {
      ...({ type: 'positional', required: true } as const),
      description: 'Folder that holds a folder for each model',
    },
  },
  async run({ args }) {
    const { embedModels } = await import('#models/embed.ts');
    await embedModels(resolve(args.source), store.embeddedDir);
    say(`built into ${store.embeddedDir}`);
  },
});

const commands = { list, pull, build: buildCommand, verify, rm, embed };
const main = defineCommand({
  meta: { name: 'npm run models --', description: 'Installs, lists and checks speech models' },
  subCommands: commands,
});

async function build(
  name: string,
  target: ModelTarget,
  sourceDir: string,
  languages = alignerLanguagesOf(name),
): Promise<void> {
  const { buildModel, BUILDER_VERSION } = await import('#models/build.ts');
  const { files } = await installModel({
    ...{ store, name, target, sourceDir, languages },
    builder: { version: BUILDER_VERSION, build: buildModel },
    onProgress: (message, fraction) => say(`${Math.round(100 * fraction)}% ${message}`),
  });
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  say(`${name}: built for ${target}, ${files.length} files, ${formatBytes(bytes)}`);
}

/** The registry's name for it, or the name itself for a model that the registry does not know. */
function canonicalName(name: string): string {
  const wanted = name.trim().toLowerCase();
  return MODELS.find((entry) => namesOf(entry).includes(wanted))?.name ?? wanted;
}

/** Of the registry's aligners; none for other models. */
function alignerLanguagesOf(name: string): readonly string[] {
  const entry = MODELS.find((model) => model.name === name);
  return entry?.kind === 'ctc-aligner' ? entry.languages : [];
}

function languageCode(text: string): string {
  const code = text.trim().toLowerCase();
  if (/^([a-z]{2,3}|\*)$/.test(code)) return code;
  const asked = JSON.stringify(text.slice(0, 20));
  throw Object.assign(new Error(`${asked} is not a language's code, e.g. ga or haw, nor *.`), {
    name: 'UsageError',
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The message for a person, and the exit code. */
function explain(error: unknown): { readonly message: string; readonly exitCode: number } {
  if (error instanceof ModelError) {
    return { message: error.message, exitCode: error.code === 'cancelled' ? 130 : 1 };
  }
  const isUsage = error instanceof Error && ['CLIError', 'UsageError'].includes(error.name);
  return {
    message: error instanceof Error ? error.message : String(error),
    exitCode: isUsage ? 2 : 1,
  };
}

/** citty lets unknown options pass; a mistyped one must not be taken for none. */
async function refuseUnknownOptions(rawArgs: readonly string[]): Promise<void> {
  const allowed = Object.entries(await argsOf(rawArgs[0]));
  const flags = new Set(allowed.flatMap(([name]) => [`--${name}`, `--no-${name}`]));
  const unknown = rawArgs.find((arg) => arg.startsWith('-') && !flags.has(arg.split('=')[0] ?? ''));
  if (unknown === undefined) return;
  const known = allowed
    .filter(([, { type }]) => type !== 'positional')
    .map(([name]) => `--${name}`);
  const text = `Unknown option ${unknown}. Known here: ${known.join(', ') || 'none'}.`;
  throw Object.assign(new Error(text), { name: 'UsageError' });
}

async function argsOf(command: string | undefined): Promise<ArgsDef> {
  const found = commandNamed(command);
  return (await (typeof found?.args === 'function' ? found.args() : found?.args)) ?? {};
}

function commandNamed(name: string | undefined) {
  return name !== undefined && Object.hasOwn(commands, name)
    ? commands[name as keyof typeof commands]
    : undefined;
}

async function showHelp(command: string | undefined): Promise<void> {
  const found = commandNamed(command);
  const meta = await (typeof found?.meta === 'function' ? found.meta() : found?.meta);
  const text = await (meta === undefined
    ? renderUsage(main)
    : renderUsage(defineCommand({ meta, args: await argsOf(command) }), main));
  process.stdout.write(`${process.stdout.isTTY ? text : stripVTControlCharacters(text)}\n`);
}

async function runMain(rawArgs: string[]): Promise<void> {
  const [command] = rawArgs;
  const asksHelp = rawArgs.some((arg) => arg === '--help' || arg === '-h');
  if (command === undefined || asksHelp) {
    await showHelp(command);
    process.exitCode = asksHelp ? 0 : 2;
    return;
  }
  try {
    await refuseUnknownOptions(rawArgs);
    await runCommand(main, { rawArgs });
  } catch (error) {
    const { message, exitCode } = explain(error);
    process.stderr.write(`error: ${stripVTControlCharacters(message)}\n`);
    process.exitCode = exitCode;
  }
}

await runMain(process.argv.slice(2));
