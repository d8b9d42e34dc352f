/** Writes `docs/configuration.md` from the schema of the settings: `node origin/cli/config-docs.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { OriginEnvironment, SECRET_VARIABLES } from '#origin/config-schema.ts';
import { secretFileVariable } from '#shared/secret-files.ts';

/** Where the page lives. */
export const CONFIG_DOCS_FILE = fileURLToPath(
  new URL('../../docs/configuration.md', import.meta.url),
);

/** The page's text. The same schema always gives the same text. */
export function renderConfigDocs(): string {
  const rows = Object.entries(OriginEnvironment.shape).map(([name, field]) =>
    renderRow(name, field),
  );
  return [
    '# Configuration',
    '',
    '<!-- Made by `node origin/cli/config-docs.ts` from origin/config-schema.ts; edit that file. -->',
    '',
    'The origin reads these environment variables once, when it starts. An empty one counts as absent. A value that',
    'cannot be used stops the start, with one message that names every fault.',
    '',
    '| Variable | Default | Values | Meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Secrets from files',
    '',
    'Each secret may lie in a file instead, as Docker, Kubernetes and systemd hand them over. The variable then names the',
    'file; line breaks at its end are dropped. To set both, or to name a file that cannot be read, stops the start.',
    '',
    ...SECRET_VARIABLES.map((name) => `- \`${secretFileVariable(name)}\` in place of \`${name}\``),
    '- `HF_TOKEN_FILE` in place of `HF_TOKEN`, for `npm run models`',
    '',
  ].join('\n');
}

function renderRow(name: string, field: z.ZodType): string {
  const schema = FieldSchema.parse(z.toJSONSchema(field, { io: 'output', unrepresentable: 'any' }));
  const cells = [`\`${name}\``, renderDefault(schema.default), renderValues(schema)];
  return `| ${[...cells, schema.description].map(escapeCell).join(' | ')} |`;
}

/** The members of a JSON Schema that this page shows. */
const FieldSchema = z.object({
  description: z.string(),
  default: z.unknown().optional(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

function renderDefault(value: unknown): string {
  if (value === undefined) {
    return '(unset)';
  }
  // A map has no JSON; it is shown by its keys, of which a default has none.
  const list = typeof value === 'object' && value !== null ? Object.values(value) : [value];
  const text = list.join(',');
  return text === '' ? '(none)' : `\`${text}\``;
}

function renderValues(schema: z.infer<typeof FieldSchema>): string {
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `\`${value}\``).join(', ');
  }
  if (schema.minimum !== undefined && schema.maximum !== undefined) {
    return `${schema.minimum} to ${schema.maximum}`;
  }
  return 'text';
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) {
  writeFileSync(CONFIG_DOCS_FILE, renderConfigDocs());
}
