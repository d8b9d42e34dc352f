/** What stands beside a model's files: which they are, with their hashes, and what they were made from. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

import { sha256Of } from '#models/digest.ts';
import { ModelError } from '#models/model-error.ts';
import { MODEL_TARGETS } from '#models/target.ts';

export const BUILT_MANIFEST = 'manifest.json';
export const SOURCE_MANIFEST = 'source.json';

const MAX_FILES = 1_000;
const MAX_MANIFEST_BYTES = 1024 * 1024;

/** Files lie directly beside their manifest. */
const FileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'not a plain file name');
export const FileRecord = z.object({
  name: FileName,
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type FileRecord = z.infer<typeof FileRecord>;

/** A model that is ready to run. */
export const BuiltManifest = z.object({
  name: z.string().min(1),
  target: z.enum(MODEL_TARGETS),
  builderVersion: z.int(),
  /** `model_type` of config.json, e.g. "whisper". */
  architecture: z.string(),
  /** Codes such as "en"; empty for a model that is not about language. */
  languages: z.array(z.string()),
  /** Of what the model was built, where that is known. */
  source: z.object({ repository: z.string(), revision: z.string() }).nullable(),
  files: z.array(FileRecord).max(MAX_FILES),
});
export type BuiltManifest = z.infer<typeof BuiltManifest>;

/** A model as downloaded. */
export const SourceManifest = z.object({
  name: z.string().min(1),
  repository: z.string(),
  /** The commit, also where the registry names a branch. */
  revision: z.string(),
  files: z.array(FileRecord).max(MAX_FILES),
});
export type SourceManifest = z.infer<typeof SourceManifest>;

/**
 * Reads a manifest.
 * @throws ModelError `bad-manifest`
 */
export function readManifest<T>(path: string, schema: z.ZodType<T>): T {
  let problem: unknown;
  try {
    const { size } = statSync(path);
    if (size <= MAX_MANIFEST_BYTES) {
      const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
      if (parsed.success) return parsed.data;
      problem = parsed.error;
    }
  } catch (error) {
    problem = error;
  }
  const text = `${path} cannot be read as a model's manifest. Pull or build the model again.`;
  throw new ModelError('bad-manifest', text, { cause: problem });
}

/** Writes a manifest as indented JSON. */
export function writeManifest(path: string, manifest: BuiltManifest | SourceManifest): void {
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Records of all files in a folder but its manifests, by name. */
export async function recordFiles(dir: string): Promise<FileRecord[]> {
  const names = readdirSync(dir).filter((name) => !isManifest(name));
  return Promise.all(names.sort().map((name) => recordFile(dir, name)));
}

export async function recordFile(dir: string, name: string): Promise<FileRecord> {
  const path = join(dir, name);
  return { name, bytes: statSync(path).size, sha256: await sha256Of(path) };
}

function isManifest(name: string): boolean {
  return name === BUILT_MANIFEST || name === SOURCE_MANIFEST;
}
