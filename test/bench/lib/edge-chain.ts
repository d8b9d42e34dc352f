/** Everything between a caller and a transcript, on this machine: mana-auth, the Worker in workerd, the origin. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { type RunningServer, type ServerOptions, startServer } from '#test/bench/lib/server.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { startManaAuthServer } from '#test/support/running-mana-auth.ts';
import { type RunningWorkerd, startWorkerd } from '#test/support/running-workerd.ts';

export interface EdgeChain {
  /** Lets everyone in: the base line has no authentication at all. */
  readonly origin: RunningServer;
  /** Wants a credential. */
  readonly edge: RunningEdge;
  /** The same Worker in workerd alone, without wrangler's proxy. */
  readonly bare: RunningWorkerd;
  /** Only passes requests on to the origin; answers `/at-once` itself, when it has read the body. */
  readonly passOn: RunningEdge;
  /** Of API_KEYS, with a limit that no bench reaches. */
  readonly localKey: string;
  /** Of Better Auth. */
  readonly token: string;
  /** Another Worker like `edge`, which nobody has used, with one or two origins. Whoever starts it stops it. */
  startFresh(origins: 1 | 2): Promise<RunningEdge>;
  /** A key of mana-auth that may make so many requests in an hour. */
  createKey(requestsPerHour: number): Promise<string>;
  stop(): Promise<void>;
}

const NO_LIMIT = { RATE_LIMIT_REQUESTS: '1000000' };
const PASS_ON = fileURLToPath(new URL('pass-on-worker.ts', import.meta.url));

/** Starts it all. Whoever starts it stops it. */
export async function startEdgeChain(options: ServerOptions): Promise<EdgeChain> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).toReversed()) await end();
  };
  const owned = <Part extends { stop(): Promise<void> }>(part: Part) => {
    stops.push(() => part.stop());
    return part;
  };
  try {
    const keys = await generateAssertionKeys();
    const manaAuth = owned(await startManaAuthServer());
    const dataDir = mkdtempSync(join(tmpdir(), 'bench-edge-'));
    stops.push(async () => rmSync(dataDir, { recursive: true, force: true }));
    const origin = owned(await startServer(withEdge(options, keys.publicKey, dataDir)));
    const variables = {
      ...NO_LIMIT,
      REQUIRE_AUTH: 'true',
      ORIGINS: `local=${origin.baseUrl}`,
      EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
      API_KEYS: 'sk-bench:bench',
      MANA_AUTH_URL: manaAuth.url,
      MANA_CORE_AUTH_URL: manaAuth.url,
    };
    const edge = owned(await startEdge(variables));
    const bare = owned(await startWorkerd(variables));
    const passOn = owned(await startEdge({ ORIGIN: origin.baseUrl }, passOnConfig(dataDir)));
    const person = await manaAuth.signUp('pro');
    const token = await manaAuth.token(person.cookie);
    const createKey = (requests: number) => manaAuth.createKey(person, { requests, window: 3600 });
    const twice = `${variables.ORIGINS},again=${origin.baseUrl}`;
    const startFresh = (origins: 1 | 2) =>
      startEdge({ ...variables, ...(origins === 2 && { ORIGINS: twice }) });
    return { origin, edge, bare, passOn, localKey: 'sk-bench', token, startFresh, createKey, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function withEdge(
  { env, ...options }: ServerOptions,
  publicKey: string,
  dataDir: string,
): ServerOptions {
  const trust = { REQUIRE_AUTH: 'false', EDGE_ASSERTION_PUBLIC_KEYS: publicKey };
  return { ...options, env: { ...env, ...trust, ...NO_LIMIT, DATA_DIR: dataDir } };
}

/** Outside of the work tree, because wrangler builds beside it. */
function passOnConfig(folder: string): string {
  const file = join(folder, 'wrangler.toml');
  const lines = [
    'name = "pass-on"',
    `main = ${JSON.stringify(PASS_ON)}`,
    'compatibility_date = "2026-10-15"',
    '[env.dev.vars]',
    'ORIGIN = ""',
  ];
  writeFileSync(file, lines.join('\n'));
  return file;
}
