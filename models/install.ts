/** Builds a model out of its downloaded files and puts the finished folder into the store. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

import type { BuildOptions } from '#models/build.ts';
import {
  BUILT_MANIFEST,
  type BuiltManifest,
  readManifest,
  recordFiles,
  SOURCE_MANIFEST,
  SourceManifest,
  writeManifest,
} from '#models/manifest.ts';
import { ModelError } from '#models/model-error.ts';
import { builtDirOf, type ModelStore, replaceDir, withModelLock } from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';

export interface InstallOptions {
  readonly store: ModelStore;
  readonly name: string;
  readonly target: ModelTarget;
  /** Folder with config.json, generation_config.json, tokenizer.json and the weights. */
  readonly sourceDir: string;
  /** The graph builder: `buildModel` and `BUILDER_VERSION` of `build.ts`. */
  readonly builder: Builder;
  /** What an aligner is for, where the registry does not say it: codes such as "de", or `*` for any language. */
  readonly languages?: readonly string[];
  readonly onProgress?: (message: string, fraction: number) => void;
}

export interface Builder {
  readonly version: number;
  readonly build: (options: BuildOptions) => Promise<unknown>;
}

const Config = z.looseObject({ model_type: z.string() });
const GenerationConfig = z.looseObject({
  lang_to_id: z.record(z.string(), z.int()).optional(),
});

/**
 * Builds into a new folder and swaps it in, so that an engine at work never sees half a model.
 * @throws ModelError `busy`, or `not-found` where the source folder lacks a file
 */
export function installModel(options: InstallOptions): Promise<BuiltManifest> {
  const { store, name, target, sourceDir, builder, onProgress } = options;
  const work = () =>
    replaceDir(builtDirOf(store, name, target), async (outDir) => {
      const facts = readFacts(sourceDir, options.languages);
      await builder.build({ sourceDir, outDir, target, ...(onProgress && { onProgress }) });
      const files = await recordFiles(outDir);
      const builderVersion = builder.version;
      const manifest: BuiltManifest = { name, target, builderVersion, ...facts, files };
      writeManifest(join(outDir, BUILT_MANIFEST), manifest);
      return manifest;
    });
  return withModelLock(store, name, { doing: `building ${name}`, work });
}

/**
 * What a model folder says of itself. Aligners do not say their languages, so that those come from outside; models of
 * speakers have none.
 */
export function readFacts(
  sourceDir: string,
  alignerLanguages: readonly string[] = [],
): Pick<BuiltManifest, 'architecture' | 'languages' | 'source'> {
  const { model_type: architecture } = readJson(join(sourceDir, 'config.json'), Config);
  const languages =
    architecture === 'whisper' ? whisperLanguages(sourceDir) : [...alignerLanguages].sort();
  const sourcePath = join(sourceDir, SOURCE_MANIFEST);
  if (!existsSync(sourcePath)) return { architecture, languages, source: null };
  const { repository, revision } = readManifest(sourcePath, SourceManifest);
  return { architecture, languages, source: { repository, revision } };
}

/** English-only models list no languages. */
function whisperLanguages(sourceDir: string): string[] {
  const generation = readJson(join(sourceDir, 'generation_config.json'), GenerationConfig);
  const codes = Object.keys(generation.lang_to_id ?? { '<|en|>': 0 });
  return codes.map((token) => token.replace(/^<\|(.*)\|>$/, '$1')).sort();
}

function readJson<T>(path: string, schema: z.ZodType<T>): T {
  if (!existsSync(path)) throw new ModelError('not-found', `${path} does not exist.`);
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new ModelError('bad-manifest', `${path} is not what a model's folder holds.`, { cause });
  }
}
