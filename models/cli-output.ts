/** How the models command talks: tables, sizes, progress. */
import cliProgress from 'cli-progress';

import { isFreeForCommercialUse, type ModelEntry } from '#models/registry/entry.ts';
import { MODELS, sizesOf } from '#models/registry.ts';
import type { InstalledModels } from '#models/store.ts';
import { isIntact, type VerifyReport } from '#models/verify.ts';

/** Pads every column to its longest cell; the last one is left as it is. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** Three significant digits in decimal units: "80.0 MB", "3.09 GB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** What `list --json` prints. */
export function listAsData(installed: InstalledModels) {
  const models = MODELS.map((entry) => ({
    ...entry,
    ...sizesOf(entry),
    installed: installedOf(entry.name, installed),
  }));
  const known = new Set(MODELS.map(({ name }) => name));
  const others = [...new Set(allNames(installed))].filter((name) => !known.has(name));
  return {
    models,
    others: others.map((name) => ({ name, installed: installedOf(name, installed) })),
    problems: installed.problems,
  };
}

export function listAsTable(installed: InstalledModels): string {
  const { models, others } = listAsData(installed);
  const head = [
    'MODEL',
    'KIND',
    'LANGUAGES',
    'WEIGHTS',
    'DOWNLOAD',
    'DISK CPU',
    'DISK CUDA',
    'VRAM',
  ];
  const rows = models.map((model) => [
    ...sizeCells(model),
    formatInstalled(model.installed),
    [...model.aliases, formatLicence(model)].join(', '),
  ]);
  const rest = others.map(({ name, installed: found }) => [
    ...[name, '-', '-', '-', '-', '-', '-', '-'],
    formatInstalled(found),
    '',
  ]);
  return formatTable([[...head, 'INSTALLED', 'ALSO CALLED, LICENCE'], ...rows, ...rest]);
}

export function reportAsRows(report: VerifyReport): string[][] {
  const place = report.isEmbedded ? `${report.kind} (embedded)` : report.kind;
  if (isIntact(report)) return [[report.name, place, `ok, ${report.files.length} files`]];
  const faults = report.files.filter(({ state }) => state !== 'ok');
  return faults.map(({ name, state }) => [report.name, place, `${name}: ${state}`]);
}

export interface Progress {
  update(done: number, total: number, label: string): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere a plain line for each file and each tenth. */
export function startProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? progressBar(stream) : progressLines(stream);
}

function progressBar(stream: NodeJS.WriteStream): Progress {
  const format = '{bar} {percentage}% {done} of {size} · {label}';
  const bar = new cliProgress.SingleBar(
    { format, stream, hideCursor: true, clearOnComplete: true, etaBuffer: 50 },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update(done, total, label) {
      const payload = { done: formatBytes(done), size: formatBytes(total), label };
      if (!started) bar.start(total, done, payload);
      else bar.update(done, payload);
      started = true;
    },
    stop: () => bar.stop(),
  };
}

function progressLines(stream: NodeJS.WriteStream): Progress {
  let last = '';
  return {
    update(done, total, label) {
      const tenth = total === 0 ? 10 : Math.floor((10 * done) / total);
      const key = `${label} ${tenth}`;
      if (key === last) return;
      last = key;
      stream.write(`${tenth * 10}% of ${formatBytes(total)} · ${label}\n`);
    },
    stop: () => {},
  };
}

function sizeCells(model: ModelEntry & ReturnType<typeof sizesOf>): string[] {
  return [
    model.name,
    model.kind,
    formatLanguages(model.languages),
    `${Math.round(model.parameters / 1e6)} M`,
    formatBytes(model.downloadBytes),
    formatBytes(model.diskBytes.cpu),
    formatBytes(model.diskBytes['cuda-f16']),
    formatBytes(model.memoryBytes['cuda-f16']),
  ];
}

function formatLanguages(languages: ModelEntry['languages']): string {
  if (languages === 'multilingual') return 'many';
  if (typeof languages === 'string') return languages;
  if (languages.includes('*')) return 'any';
  return languages.length > 4 ? `${languages.length}` : languages.join(' ');
}

function formatLicence(model: ModelEntry): string {
  const isFree = isFreeForCommercialUse(model);
  if (isFree === null) return 'licence unknown: ask the author';
  return isFree ? model.licence : `${model.licence}: no commercial use`;
}

interface InstalledParts {
  readonly hasSource: boolean;
  readonly targets: readonly { readonly target: string; readonly isEmbedded: boolean }[];
}

function installedOf(name: string, { built, sources }: InstalledModels): InstalledParts {
  const mine = built.filter(({ manifest }) => manifest.name === name);
  const targets = mine.map(({ manifest, isEmbedded }) => ({ target: manifest.target, isEmbedded }));
  return { hasSource: sources.some(({ manifest }) => manifest.name === name), targets };
}

function formatInstalled({ hasSource, targets }: InstalledParts): string {
  const built = targets.map(({ target, isEmbedded }) => {
    return isEmbedded ? `${target} (embedded)` : target;
  });
  const parts = hasSource ? ['source', ...built] : built;
  return parts.length === 0 ? '-' : parts.join(', ');
}

function allNames({ built, sources }: InstalledModels): string[] {
  return [...built, ...sources].map(({ manifest }) => manifest.name);
}
