import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Of } from '#models/digest.ts';
import { embedModels } from '#models/embed.ts';
import { BUILT_MANIFEST, BuiltManifest, readManifest } from '#models/manifest.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const EMBEDDED = join(import.meta.dirname, '../../../models/embedded');
const SOURCES = join(import.meta.dirname, '../../../../shared/models');
const isSourcePresent = existsSync(SOURCES);
if (!isSourcePresent) console.warn('Skipped: ../shared/models, to embed them anew, is absent.');

const MODELS = ['base', 'segmentation', 'speaker'] as const;
/** GitHub refuses files of 100 MB. */
const MAX_FILE_BYTES = 95e6;

const tempDir = useTempDirs();
const manifestOf = (name: string) =>
  readManifest(join(EMBEDDED, name, BUILT_MANIFEST), BuiltManifest);

describe.each(MODELS)('models/embedded/%s', (name) => {
  it('holds exactly the files of its manifest, with their sizes and hashes', async () => {
    const { files } = manifestOf(name);
    const found = readdirSync(join(EMBEDDED, name)).filter((file) => file !== BUILT_MANIFEST);
    expect(found.sort()).toEqual(files.map((file) => file.name).sort());
    for (const { name: file, bytes, sha256 } of files) {
      const path = join(EMBEDDED, name, file);
      expect([file, statSync(path).size]).toEqual([file, bytes]);
      expect([file, await sha256Of(path)]).toEqual([file, sha256]);
    }
  });

  it('has no file of 95 MB or more', () => {
    for (const { bytes } of manifestOf(name).files) expect(bytes).toBeLessThan(MAX_FILE_BYTES);
  });

  it('carries a licence', () => {
    expect(readFileSync(join(EMBEDDED, name, 'LICENSE'), 'utf8')).toMatch(
      /MIT License|Apache License/,
    );
  });
});

describe.skipIf(!isSourcePresent)('embedModels', () => {
  it('gives the committed files again, byte for byte', async () => {
    const dir = tempDir();
    await embedModels(SOURCES, dir);
    for (const name of MODELS) {
      expect(readManifest(join(dir, name, BUILT_MANIFEST), BuiltManifest)).toEqual(
        manifestOf(name),
      );
      for (const file of readdirSync(join(EMBEDDED, name))) {
        const [found, committed] = [join(dir, name, file), join(EMBEDDED, name, file)];
        expect([file, await sha256Of(found)]).toEqual([file, await sha256Of(committed)]);
      }
    }
  });
});
