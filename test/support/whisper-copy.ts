/** More Whisper models than the one that comes along: the same files under another name. */
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT_MANIFEST } from '#models/manifest.ts';
import { builtDirOf, openStore } from '#models/store.ts';
import { ROOT } from '#test/support/running-origin.ts';

/**
 * Installs the embedded model once more. No registry knows its name, so its memory is judged by its files.
 * @param ballastBytes by which the model looks larger than it is; they take no room on the disk
 */
export function copyWhisper(dataDir: string, name: string, ballastBytes = 0): void {
  const dir = builtDirOf(openStore(join(dataDir, 'models')), name, 'cpu');
  mkdirSync(dir, { recursive: true });
  cpSync(join(ROOT, 'models/embedded/base'), dir, { recursive: true });
  const ballast = { name: 'ballast.bin', bytes: ballastBytes, sha256: '0'.repeat(64) };
  writeFileSync(join(dir, ballast.name), '');
  truncateSync(join(dir, ballast.name), ballastBytes);
  const path = join(dir, BUILT_MANIFEST);
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const files = [...manifest.files, ballast];
  writeFileSync(path, JSON.stringify({ ...manifest, name, files }));
}
