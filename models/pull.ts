/** Downloads a model's files from the Hub: list, check the disk, fetch each, verify, note what is there. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

import { bytesPresent, downloadFile } from '#models/download.ts';
import type { Hub, HubFile } from '#models/hub.ts';
import {
  recordFile,
  SOURCE_MANIFEST,
  type SourceManifest,
  writeManifest,
} from '#models/manifest.ts';
import { ModelError } from '#models/model-error.ts';
import { type ModelEntry, SIDE_FILES } from '#models/registry/entry.ts';
import { WEIGHTS_FILE, WEIGHTS_INDEX } from '#models/safetensors.ts';
import { type ModelStore, sourceDirOf, withModelLock } from '#models/store.ts';

export interface PullOptions {
  readonly entry: ModelEntry;
  readonly hub: Hub;
  readonly store: ModelStore;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  /** Free bytes of the disk that holds a folder. Default: what the operating system says. */
  readonly freeBytes?: (dir: string) => Promise<number>;
}

export interface PullProgress {
  readonly file: string;
  /** Over all files of the model. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Kept free, so that a download does not starve whatever else writes to the disk. */
const RESERVE_BYTES = 100e6;

const ShardIndex = z.looseObject({
  weight_map: z.record(z.string(), z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors$/)),
});

/**
 * Brings the model's files into the store; what is there already, whole or in part, is not fetched again.
 * @throws ModelError
 */
export function pullModel(options: PullOptions): Promise<SourceManifest> {
  const { store, entry } = options;
  const doing = `pulling ${entry.name}`;
  return withModelLock(store, entry.name, { doing, work: () => pull(options) });
}

async function pull(options: PullOptions): Promise<SourceManifest> {
  const { entry, hub, store, signal } = options;
  const { name, repository } = entry;
  const revision = entry.isPinned
    ? entry.revision
    : await hub.resolveCommit(repository, entry.revision, signal);
  const listed = await hub.listFiles(repository, revision, signal);
  const dir = sourceDirOf(store, name);
  mkdirSync(dir, { recursive: true });
  const source: Source = { dir, revision, listed };
  const files = await selectFiles(options, source);
  checkPublishedHash(entry, files, hub);
  await checkSpace(options, { dir, files });
  await fetchAll(options, source, files);
  const records = await Promise.all(files.map((file) => recordFile(dir, file.path)));
  const manifest = { name, repository, revision, files: records };
  writeManifest(join(dir, SOURCE_MANIFEST), manifest);
  return manifest;
}

interface Source {
  readonly dir: string;
  readonly revision: string;
  readonly listed: readonly HubFile[];
}

async function selectFiles(options: PullOptions, source: Source): Promise<HubFile[]> {
  const { required, optional } = SIDE_FILES[options.entry.kind];
  const side = [
    ...required.map((path) => need(options, source, path)),
    ...optional.flatMap((path) => find(source, path) ?? []),
  ];
  const { file } = options.entry.weights;
  const single = file === undefined ? find(source, WEIGHTS_FILE) : need(options, source, file);
  if (single !== undefined) return [...side, single];
  if (find(source, WEIGHTS_INDEX) === undefined && find(source, PICKLED) !== undefined) {
    throw new ModelError('not-found', pickledText(options));
  }
  const index = need(options, source, WEIGHTS_INDEX);
  await fetchOne(options, source, { file: index });
  const shards = readShardNames(join(source.dir, WEIGHTS_INDEX));
  return [...side, index, ...shards.map((path) => need(options, source, path))];
}

function find({ listed }: Source, path: string): HubFile | undefined {
  return listed.find((candidate) => candidate.path === path);
}

function need({ entry, hub }: PullOptions, source: Source, path: string): HubFile {
  const file = find(source, path);
  if (file !== undefined) return file;
  const { revision } = source;
  const place = `${entry.repository} at ${revision.slice(0, 12)} on ${hub.host}`;
  throw new ModelError('not-found', `${place} has no ${path}; it cannot be used.`);
}

/** Weights whose format may hold any program; they are not read here. */
const PICKLED = 'pytorch_model.bin';

function pickledText({ entry }: PullOptions): string {
  const why = `${entry.repository} has its weights as ${PICKLED} only, which may hold programs and is not read`;
  const todo = `Convert it to ${WEIGHTS_FILE}, then: npm run models -- build ${entry.name} --from DIR`;
  return `${why}. ${todo}`;
}

function readShardNames(path: string): string[] {
  try {
    const { weight_map: map } = ShardIndex.parse(JSON.parse(readFileSync(path, 'utf8')));
    return [...new Set(Object.values(map))].sort();
  } catch (cause) {
    throw new ModelError('bad-answer', `${WEIGHTS_INDEX} is not an index of weights.`, { cause });
  }
}

/** A hub, and still more a mirror, must offer the very weights that the registry names. */
function checkPublishedHash(entry: ModelEntry, files: readonly HubFile[], hub: Hub): void {
  const { sha256 } = entry.weights;
  const weights = files.find(({ path }) => path === (entry.weights.file ?? WEIGHTS_FILE));
  if (sha256 === undefined || weights?.digest.hex === sha256) return;
  const text = `${hub.host} offers other weights for ${entry.name} than those published`;
  throw new ModelError('checksum', `${text} (SHA-256 ${sha256.slice(0, 12)}…). Use another host.`);
}

async function checkSpace(
  { freeBytes = freeBytesOf, entry }: PullOptions,
  { dir, files }: { readonly dir: string; readonly files: readonly HubFile[] },
): Promise<void> {
  const missing = files.reduce((sum, file) => {
    return sum + file.bytes - bytesPresent(join(dir, file.path), file);
  }, 0);
  const free = await freeBytes(dir);
  if (missing === 0 || missing + RESERVE_BYTES <= free) return;
  const needs = `${entry.name} needs ${megabytes(missing)} MB more (and 100 MB to spare)`;
  const has = `the disk of ${dir} has ${megabytes(free)} MB free`;
  throw new ModelError('disk-full', `${needs}, but ${has}. Free some space or set MODELS_DIR.`);
}

async function fetchAll(
  options: PullOptions,
  source: Source,
  files: readonly HubFile[],
): Promise<void> {
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  for (const file of files) {
    const doneBefore = before;
    const onProgress = (bytes: number) => {
      options.onProgress?.({ file: file.path, doneBytes: doneBefore + bytes, totalBytes });
    };
    await fetchOne(options, source, { file, onProgress });
    before += file.bytes;
  }
}

function fetchOne(
  { hub, entry, signal }: PullOptions,
  { dir, revision }: Source,
  { file, onProgress }: { readonly file: HubFile; readonly onProgress?: (bytes: number) => void },
): Promise<void> {
  const { repository } = entry;
  const path = join(dir, file.path);
  return downloadFile({ hub, repository, revision, file, path, signal, onProgress });
}

async function freeBytesOf(dir: string): Promise<number> {
  const existing = existsSync(dir) ? dir : '.';
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}

function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1e6).toLocaleString('en');
}
