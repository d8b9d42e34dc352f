/**
 * The Worker's bundle in workerd alone, without wrangler's proxy in front of it: that one keeps a request whose client
 * has left. Durable Objects are real, on disk; there is no bucket, so bodies have to fit into memory.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ROOT } from '#test/support/running-origin.ts';

export interface RunningWorkerd {
  readonly url: string;
  /** What the Worker wrote so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Builds the bundle as a deployment would, and serves it with these variables. */
export async function startWorkerd(
  variables: Readonly<Record<string, string>>,
): Promise<RunningWorkerd> {
  const dir = mkdtempSync(join(tmpdir(), 'mana-stt-workerd-'));
  await build(dir);
  mkdirSync(join(dir, 'objects'));
  writeFileSync(join(dir, 'bindings.js'), BINDINGS);
  writeFileSync(join(dir, 'config.capnp'), writeConfig(variables, join(dir, 'objects')));
  const child = spawn(
    findBinary(),
    ['serve', '--experimental', '--control-fd=3', join(dir, 'config.capnp')],
    { cwd: dir, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
  );
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  const ready = Promise.withResolvers<number>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    const port = /"port":(\d+)/.exec(chunk.toString())?.[1];
    if (port !== undefined) ready.resolve(Number(port));
  });
  const closed = once(child, 'close').then(() => {
    ready.reject(new Error(`workerd ended: ${output}`));
  });
  const port = await ready.promise;
  const stop = async () => {
    kill();
    await closed;
    process.off('exit', kill);
    rmSync(dir, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${port}`, output: () => output, stop };
}

/** Wrangler's own: a dependency of it says where it lies. */
function findBinary(): string {
  const ofWrangler = createRequire(join(ROOT, 'node_modules/wrangler/package.json'));
  return z.object({ default: z.string() }).parse(ofWrangler('workerd')).default;
}

async function build(dir: string): Promise<void> {
  const wrangler = join(ROOT, 'node_modules/.bin/wrangler');
  const parameters = ['deploy', '--env', 'production', '--dry-run', '--outdir', dir];
  await promisify(execFile)(wrangler, parameters, {
    cwd: ROOT,
    env: { ...process.env, XDG_CONFIG_HOME: join(dir, 'config'), WRANGLER_SEND_METRICS: 'false' },
  });
}

/** What Cloudflare binds besides: a shield that lets everyone through, and a bucket that is never used. */
const BINDINGS = `
import { WorkerEntrypoint } from 'cloudflare:workers';
export class Shield extends WorkerEntrypoint { async limit() { return { success: true }; } }
export class Bucket extends WorkerEntrypoint { async put() { throw new Error('there is no bucket'); } }
export default { fetch: () => new Response(null, { status: 404 }) };
`;

const OBJECTS = { RATE_LIMITER: 'RateLimiter', BREAKERS: 'BreakerBoard', METRICS: 'EdgeMetrics' };

function writeConfig(variables: Readonly<Record<string, string>>, objectsDir: string): string {
  const texts = Object.entries(variables).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  );
  const names = Object.entries(OBJECTS).map(
    ([name, className]) => `(name = "${name}", durableObjectNamespace = "${className}")`,
  );
  const classes = Object.values(OBJECTS).map(
    (className) => `(className = "${className}", uniqueKey = "${className}", enableSql = true)`,
  );
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "bindings", worker = .bindings),
    (name = "objects", disk = (path = ${JSON.stringify(objectsDir)}, writable = true)),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const bindings :Workerd.Worker = (
  modules = [(name = "bindings.js", esModule = embed "bindings.js")],
  compatibilityDate = "2026-10-15",
);
const main :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "index.js")],
  compatibilityDate = "2026-10-15",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [
    (name = "IP_SHIELD", service = (name = "bindings", entrypoint = "Shield")),
    (name = "UPLOADS", service = (name = "bindings", entrypoint = "Bucket")),
    ${[...texts, ...names].join(',\n    ')},
  ],
  durableObjectNamespaces = [${classes.join(', ')}],
  durableObjectStorage = (localDisk = "objects"),
);
`;
}
