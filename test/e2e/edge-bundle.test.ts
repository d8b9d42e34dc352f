/** What a deployment would send to Cloudflare: `npm run deploy:dry`. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '#test/support/running-origin.ts';

/** Of esbuild's metafile. */
interface Metafile {
  readonly inputs: Readonly<Record<string, { readonly imports: readonly Import[] }>>;
}

interface Import {
  readonly path: string;
  readonly external?: boolean;
}

const OUT = join(ROOT, 'build/edge');
let metafile: Metafile;

beforeAll(async () => {
  await promisify(execFile)('npm', ['run', 'deploy:dry'], { cwd: ROOT });
  metafile = JSON.parse(readFileSync(join(OUT, 'bundle-meta.json'), 'utf8'));
});

describe("the Worker's bundle", () => {
  it('has at most 300 KB of gzip', () => {
    const { length } = gzipSync(readFileSync(join(OUT, 'index.js')));
    console.info(`the Worker's bundle has ${(length / 1000).toFixed(1)} KB of gzip`);
    expect(length).toBeLessThanOrEqual(300_000);
  });

  it('is made of shared, edge-worker and the packages of both', () => {
    const inputs = Object.keys(metafile.inputs).map((path) => path.replace(/^(\.\.\/)+/, ''));
    const foreign = inputs.filter((path) => !ALLOWED.test(path));
    expect(foreign).toEqual([]);
  });

  it('needs nothing but what every Worker has', () => {
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
    const external = imports.filter((it) => it.external === true && it.path !== '<runtime>');
    expect(new Set(external.map(({ path }) => path))).toEqual(new Set(['cloudflare:workers']));
  });
});

const ALLOWED =
  /^(?:(?:shared|edge-worker)\/|node_modules\/(?:hono|zod|jose|wrangler)\/|\.wrangler\/)/;
