/** Writes `docs/local-stt-models.md` from the registry: `node origin/cli/model-docs.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PUBLISHED_WER, WER_TESTS } from '#models/published-wer.ts';
import { isFreeForCommercialUse, type ModelEntry } from '#models/registry/entry.ts';
import { MODELS, sizesOf } from '#models/registry.ts';

/** Where the page lives. */
export const MODEL_DOCS_FILE = fileURLToPath(
  new URL('../../docs/local-stt-models.md', import.meta.url),
);

/** The page's text. The same registry always gives the same text. */
export function renderModelDocs(): string {
  return [
    ...HEAD,
    '## Whisper: speech to text',
    '',
    '| Name | Languages | Licence | Parameters | Download | Disk, CPU build | Memory, CPU | VRAM, CUDA |',
    '|---|---|---|---|---|---|---|---|',
    ...of('whisper').map(renderWhisper),
    '',
    ...SIZES,
    ...renderAccuracy(),
    '## Aligners: exact word times',
    '',
    'One for each language; `many` and `any` serve those without. [Word times](how-to/word-times.md) says how they are used.',
    '',
    '| Name | Languages | Repository | Licence | For money | Download | Memory, CPU |',
    '|---|---|---|---|---|---|---|',
    ...of('ctc-aligner').map(renderAligner),
    '',
    '## Speakers and speech activity',
    '',
    'Those that come with the project (`speaker`, `segmentation`) need no download. [Speakers](how-to/speakers.md) compares.',
    '',
    '| Name | For | Repository | Licence | Parameters | Download |',
    '|---|---|---|---|---|---|',
    ...[...of('speaker-encoder'), ...of('segmentation')].map(renderSpeakers),
    '',
    ...renderNotes(),
  ].join('\n');
}

const HEAD = [
  '# Models that run here',
  '',
  '<!-- Made by `node origin/cli/model-docs.ts` from models/registry.ts and models/published-wer.ts; edit those files. -->',
  '',
  'Every model that `npm run models -- pull NAME` knows. Which to take: on a GPU with 12 GB or more `large-v3`; with less, or',
  'for speed, `large-v3-turbo`; on a CPU `base`, which comes with the project, or `small`, which hears better and has three',
  'times the parameters to compute. The `.en` and `distil-` models know English only.',
  '',
  '**Measured here are only `base` and the other models that come with the project** ([benchmarks](benchmarks.md)).',
  'The other weights could not be downloaded where this was built.',
  '',
];

const SIZES = [
  'Parameters, disk, memory and VRAM are estimates from the dimensions of the model, the VRAM for `cuda-f16` at full batches of',
  '16 chunks; a smaller `WHISPERX_BATCH_SIZE` needs less. None was measured on a GPU so far.',
  '',
];

function of<K extends ModelEntry['kind']>(kind: K): Extract<ModelEntry, { readonly kind: K }>[] {
  return MODELS.filter((it): it is Extract<ModelEntry, { readonly kind: K }> => it.kind === kind);
}

function renderWhisper(entry: Extract<ModelEntry, { readonly kind: 'whisper' }>): string {
  const { parameters, downloadBytes, diskBytes, memoryBytes } = sizesOf(entry);
  return row([
    `[${entry.name}](${pageOf(entry)})`,
    entry.languages === 'en' ? 'English' : '99',
    entry.licence,
    millions(parameters),
    size(downloadBytes),
    size(diskBytes.cpu),
    size(memoryBytes.cpu),
    size(memoryBytes['cuda-f16']),
  ]);
}

function renderAccuracy(): string[] {
  return [
    '## Word error rates, as published',
    '',
    'In percent, of the original weights, as the pages named tell. Rates of different tests cannot be compared. None was',
    `found for: ${withoutRate().join(', ')}.`,
    '',
    ...Object.entries(WER_TESTS).flatMap(([test, { title, columns }]) => [
      `### ${title}`,
      '',
      `| Model | ${columns.join(' | ')} | Source |`,
      `|---|${columns.map(() => '---|').join('')}---|`,
      ...PUBLISHED_WER.filter((it) => it.test === test).map(({ model, values, source }) =>
        row([
          model,
          ...columns.map((_, index) => values[index]?.toFixed(1) ?? '–'),
          `[${source.replace('https://huggingface.co/', '')}](${source})`,
        ]),
      ),
      '',
    ]),
  ];
}

function withoutRate(): string[] {
  const names = of('whisper').map(({ name }) => name);
  return names.filter((name) => !PUBLISHED_WER.some(({ model }) => model === name));
}

function renderAligner(entry: Extract<ModelEntry, { readonly kind: 'ctc-aligner' }>): string {
  const { downloadBytes, memoryBytes } = sizesOf(entry);
  const languages = entry.languages.includes('*') ? 'any' : entry.languages.join(' ');
  return row([
    entry.name,
    languages,
    `[${entry.repository}](${pageOf(entry)})`,
    entry.licence,
    FOR_MONEY.get(isFreeForCommercialUse(entry)) ?? '',
    size(downloadBytes),
    size(memoryBytes.cpu),
  ]);
}

const FOR_MONEY = new Map([
  [true, 'yes'],
  [false, 'no'],
  [null, 'ask its author'],
]);

function renderSpeakers(
  entry: Extract<ModelEntry, { readonly kind: 'speaker-encoder' | 'segmentation' }>,
): string {
  return row([
    entry.name,
    entry.kind === 'segmentation'
      ? 'finding speech and changes of speaker'
      : 'telling voices apart',
    `[${entry.repository}](${pageOf(entry)})`,
    entry.licence,
    millions(entry.parameters),
    size(sizesOf(entry).downloadBytes),
  ]);
}

function renderNotes(): string[] {
  const notes = MODELS.flatMap(({ name, note }) => (note ? [`- \`${name}\`: ${note}`] : []));
  const unpinned = MODELS.filter(({ isPinned }) => !isPinned).length;
  return [
    '## Notes',
    '',
    ...notes,
    `- ${unpinned} of the ${MODELS.length} models are not pinned to a commit: what their repositories hold may change.`,
    '',
  ];
}

function pageOf({ repository }: ModelEntry): string {
  return `https://huggingface.co/${repository}`;
}

function millions(count: number): string {
  return `${Math.round(count / 1e6)} M`;
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

if (import.meta.main) {
  writeFileSync(MODEL_DOCS_FILE, renderModelDocs());
}
