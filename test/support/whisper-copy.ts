/** More Whisper models than the one that comes along: the same files under another name, or for another target. */
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT_MANIFEST } from '#models/manifest.ts';
import { builtDirOf, openStore } from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';
import { ROOT } from '#test/support/running-origin.ts';

export interface CopyOptions {
  /** By which the model looks larger than it is; they take no room on the disk. Counts where no registry knows it. */
  readonly ballastBytes?: number;
  /** Default `cpu`. */
  readonly target?: ModelTarget;
}

/** Installs the embedded model once more. */
export function copyWhisper(dataDir: string, name: string, options: CopyOptions = {}): void {
  const { ballastBytes = 0, target = 'cpu' } = options;
  const dir = builtDirOf(openStore(join(dataDir, 'models')), name, target);
  mkdirSync(dir, { recursive: true });
  cpSync(join(ROOT, 'models/embedded/base'), dir, { recursive: true });
  const ballast = { name: 'ballast.bin', bytes: ballastBytes, sha256: '0'.repeat(64) };
  writeFileSync(join(dir, ballast.name), '');
  truncateSync(join(dir, ballast.name), ballastBytes);
  const path = join(dir, BUILT_MANIFEST);
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const files = [...manifest.files, ballast];
  writeFileSync(path, JSON.stringify({ ...manifest, name, target, files }));
}
