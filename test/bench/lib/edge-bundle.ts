/** What a deployment would send to Cloudflare. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Table } from '#test/bench/lib/report.ts';
import { ROOT } from '#test/support/running-origin.ts';

/** Builds the Worker as `npm run deploy:dry` does. */
export async function bundleTable(): Promise<Table> {
  await promisify(execFile)('npm', ['run', 'deploy:dry'], { cwd: ROOT });
  const bundle = readFileSync(join(ROOT, 'build/edge/index.js'));
  const toKb = (bytes: number) => (bytes / 1000).toFixed(1);
  const row = ['minified', toKb(bundle.length), toKb(gzipSync(bundle).length)];
  return { columns: ["the Worker's bundle", 'KB', 'KB of gzip'], rows: [row] };
}
