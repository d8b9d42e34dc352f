/**
 * Where models live on the disk.
 *
 *     <modelsDir>/sources/<name>/            as downloaded, with source.json
 *     <modelsDir>/built/<name>/<target>/     ready to run, with manifest.json
 *     models/embedded/…                      the same, shipped with the project
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { withLock } from '#models/lock.ts';
import {
  BUILT_MANIFEST,
  BuiltManifest,
  type FileRecord,
  readManifest,
  SOURCE_MANIFEST,
  SourceManifest,
} from '#models/manifest.ts';
import { ModelError } from '#models/model-error.ts';
import type { ModelTarget } from '#models/target.ts';

export interface ModelStore {
  readonly modelsDir: string;
  readonly embeddedDir: string;
}

/** A model that can be loaded. */
export interface BuiltModelDir {
  readonly dir: string;
  readonly isEmbedded: boolean;
  readonly manifest: BuiltManifest;
}

export interface SourceDir {
  readonly dir: string;
  readonly manifest: SourceManifest;
}

/** All that is on the disk; `problems` are manifests that cannot be read. */
export interface InstalledModels {
  readonly built: readonly BuiltModelDir[];
  readonly sources: readonly SourceDir[];
  readonly problems: readonly string[];
}

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SAFE_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/i;

/** @param modelsDir default `data/models` of this project */
export function openStore(modelsDir?: string, embeddedDir?: string): ModelStore {
  return {
    modelsDir: modelsDir || join(ROOT, 'data', 'models'),
    embeddedDir: embeddedDir ?? join(ROOT, 'models', 'embedded'),
  };
}

export function sourceDirOf(store: ModelStore, name: string): string {
  return join(store.modelsDir, 'sources', checkedName(name));
}

export function builtDirOf(store: ModelStore, name: string, target: ModelTarget): string {
  return join(store.modelsDir, 'built', checkedName(name), target);
}

/** One lock for all work on a model: pulling, building and removing exclude each other. */
export function withModelLock<T>(
  store: ModelStore,
  name: string,
  options: { readonly doing: string; readonly work: () => Promise<T> },
): Promise<T> {
  const path = join(store.modelsDir, 'locks', `${checkedName(name)}.lock`);
  return withLock(path, options.doing, options.work);
}

/**
 * The model built for the target: one built here, else an embedded one.
 * @throws ModelError `bad-manifest` if its manifest cannot be read, or a file is missing or of another length
 */
export function findBuilt(
  store: ModelStore,
  name: string,
  target: ModelTarget,
): BuiltModelDir | undefined {
  const dir = builtDirOf(store, name, target);
  const path = join(dir, BUILT_MANIFEST);
  const found = existsSync(path)
    ? { dir, isEmbedded: false, manifest: readManifest(path, BuiltManifest) }
    : listEmbedded(store).find(
        ({ manifest }) => manifest.name === name && manifest.target === target,
      );
  if (found !== undefined) checkLengths(found.dir, found.manifest.files);
  return found;
}

/** Everything under the store, embedded models included. */
export function listInstalled(store: ModelStore): InstalledModels {
  const problems: string[] = [];
  const read = <T>(work: () => T): T[] => {
    try {
      return [work()];
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      problems.push(error.message);
      return [];
    }
  };
  const builtRoot = join(store.modelsDir, 'built');
  const built = manifestDirs(builtRoot, BUILT_MANIFEST).flatMap((dir) => {
    return read(() => readBuilt(dir, false));
  });
  const embedded = manifestDirs(store.embeddedDir, BUILT_MANIFEST).flatMap((dir) => {
    return read(() => readBuilt(dir, true));
  });
  const sources = manifestDirs(join(store.modelsDir, 'sources'), SOURCE_MANIFEST).flatMap((dir) => {
    return read(() => ({
      dir,
      manifest: readManifest(join(dir, SOURCE_MANIFEST), SourceManifest),
    }));
  });
  return { built: [...built, ...embedded], sources, problems };
}

/** Source and builds of a model are gone afterwards; gives the bytes that were freed. */
export function removeModel(store: ModelStore, name: string): Promise<number> {
  return withModelLock(store, name, {
    doing: `removing ${name}`,
    work: async () => {
      const dirs = [sourceDirOf(store, name), join(store.modelsDir, 'built', checkedName(name))];
      const freed = dirs.reduce((sum, dir) => sum + bytesUnder(dir), 0);
      for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
      return freed;
    },
  });
}

/**
 * Fills a new folder and puts it in place of `dir` only when it is complete: a reader finds the old one or the new one,
 * never half of one. Call it under the model's lock.
 */
export async function replaceDir<T>(
  dir: string,
  fill: (temporaryDir: string) => Promise<T>,
): Promise<T> {
  const temporary = `${dir}.new`;
  const old = `${dir}.old`;
  // What an interrupted run left; under the lock nobody else uses it.
  if (existsSync(old) && !existsSync(dir)) renameSync(old, dir);
  for (const left of [temporary, old]) rmSync(left, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  try {
    const result = await fill(temporary);
    if (existsSync(dir)) renameSync(dir, old);
    renameSync(temporary, dir);
    return result;
  } finally {
    for (const left of [temporary, old]) rmSync(left, { recursive: true, force: true });
  }
}

export function bytesUnder(path: string): number {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesUnder(join(path, name)), 0);
}

function listEmbedded(store: ModelStore): BuiltModelDir[] {
  return manifestDirs(store.embeddedDir, BUILT_MANIFEST).map((dir) => readBuilt(dir, true));
}

function readBuilt(dir: string, isEmbedded: boolean): BuiltModelDir {
  return { dir, isEmbedded, manifest: readManifest(join(dir, BUILT_MANIFEST), BuiltManifest) };
}

/** Folders at most two levels down that hold such a manifest, in the order of their names. */
function manifestDirs(root: string, manifestName: string, depth = 2): string[] {
  if (!existsSync(root)) return [];
  if (existsSync(join(root, manifestName))) return [root];
  if (depth === 0) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/\.(new|old)$/.test(entry.name))
    .map(({ name }) => join(root, name))
    .sort()
    .flatMap((dir) => manifestDirs(dir, manifestName, depth - 1));
}

function checkLengths(dir: string, files: readonly FileRecord[]): void {
  for (const { name, bytes } of files) {
    const path = join(dir, name);
    const found = existsSync(path) ? statSync(path).size : undefined;
    if (found === bytes) continue;
    const state = found === undefined ? 'is missing' : `has ${found} bytes instead of ${bytes}`;
    throw new ModelError('bad-manifest', `${path} ${state}. Pull or build the model again.`);
  }
}

function checkedName(name: string): string {
  if (SAFE_NAME.test(name)) return name;
  throw new ModelError('unknown-model', `${JSON.stringify(name)} cannot be a model's name.`);
}
