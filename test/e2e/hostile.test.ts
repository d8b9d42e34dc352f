/** Requests in bad faith at both doors of a running chain: the Worker in workerd, and the origin behind it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { type AuthWorld, createAuthWorld, KEYS, ORIGIN_NAME } from '#test/support/auth-world.ts';
import { CONTENT_CASES } from '#test/support/hostile-cases/content-cases.ts';
import { FORM_CASES } from '#test/support/hostile-cases/form-cases.ts';
import { HEADER_CASES } from '#test/support/hostile-cases/header-cases.ts';
import {
  type HostileCase,
  type HostileWorld,
  type Sent,
  write,
} from '#test/support/hostile-cases/hostile-case.ts';
import { judge } from '#test/support/hostile-cases/judge.ts';
import { KEY_CASES } from '#test/support/hostile-cases/key-cases.ts';
import { PATH_CASES } from '#test/support/hostile-cases/path-cases.ts';
import { SIZE_CASES } from '#test/support/hostile-cases/size-cases.ts';
import { TOKEN_CASES } from '#test/support/hostile-cases/token-cases.ts';
import { exchange } from '#test/support/http-exchange.ts';
import { processesOfGroup } from '#test/support/process-group.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { isAlive, type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, recording } from '#test/support/transcribe-request.ts';

const APP_KEY = 'sk-hostile-app-3f9d2c71';
const INTERNAL_KEY = 'sk-hostile-internal-8be05a44';
const MAX_UPLOAD_MB = 1;

const GROUPS = {
  headers: HEADER_CASES,
  keys: KEY_CASES,
  tokens: TOKEN_CASES,
  forms: FORM_CASES,
  content: CONTENT_CASES,
  sizes: SIZE_CASES,
  paths: PATH_CASES,
};
const ALL = Object.values(GROUPS).flat();

let auth: AuthWorld;
let origin: RunningOrigin;
let edge: RunningEdge;
let world: HostileWorld;
/** Those that were there before the first case. */
let enginePid: number;
let workerds: number[];
/** Every credential that was sent, and those that were not. */
const secrets = new Set([APP_KEY, INTERNAL_KEY, ...Object.values(KEYS).slice(3)]);

beforeAll(async () => {
  auth = await createAuthWorld();
  const shared = {
    REQUIRE_AUTH: 'true',
    API_KEYS: `${APP_KEY}:hostile`,
    INTERNAL_API_KEY: INTERNAL_KEY,
    RATE_LIMIT_REQUESTS: '100000',
    MANA_AUTH_URL: auth.manaAuth.url,
    MANA_CORE_AUTH_URL: auth.manaAuth.url,
    MAX_UPLOAD_MB: String(MAX_UPLOAD_MB),
    EDGE_ASSERTION_AUDIENCE: ORIGIN_NAME,
  };
  origin = await startOrigin({
    ...shared,
    UPLOAD_IDLE_TIMEOUT: '1',
    METRICS_ALLOW: '10.0.0.1',
    EDGE_ASSERTION_PUBLIC_KEYS: auth.edgeKeys.publicKey,
  });
  edge = await startEdge({
    ...shared,
    UPLOAD_IDLE_TIMEOUT: '1',
    ORIGINS: `local=${origin.url}`,
    EDGE_ASSERTION_PRIVATE_KEY: auth.edgeKeys.privateKey,
  });
  const maxUploadBytes = MAX_UPLOAD_MB * 1024 * 1024;
  world = { key: APP_KEY, internalKey: INTERNAL_KEY, auth, maxUploadBytes };
  await expectSpeech(edge.url);
  enginePid = await origin.enginePid();
  workerds = processesOfGroup(edge.pid, 'workerd');
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
  await auth?.close();
});

async function expectSpeech(url: string): Promise<void> {
  const body = new FormData();
  body.append('file', await recording('en_harbor.flac'));
  const headers = { 'X-API-Key': APP_KEY };
  const response = await fetch(`${url}/transcribe`, { method: 'POST', headers, body });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const answer = TranscriptionResponse.parse(JSON.parse(text));
  expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
}

/** Bearer tokens and keys among the headers that are about to be sent. */
function noteSecrets(lines: readonly string[]): void {
  for (const line of lines) {
    const token = /^(?:authorization|x-api-key): (?:Bearer )?(\S{20,})$/i.exec(line)?.[1];
    if (token !== undefined) secrets.add(token);
  }
}

async function play(side: Side, given: HostileCase, changes: Partial<Sent> = {}): Promise<void> {
  const sent = { ...(await given.request(world)), ...changes };
  noteSecrets(sent.headers ?? []);
  for (const secret of given.secrets ?? []) secrets.add(secret);
  const port = side === 'origin' ? origin.port : Number(new URL(edge.url).port);
  const [answer] = await exchange(port, [write(sent, world)]);
  judge(answer, given, { side, secrets: [...secrets] });
}

type Side = 'origin' | 'edge';

const isFor =
  (side: Side) =>
  ({ only = side }: HostileCase) =>
    only === side;

describe.each<Side>(['origin', 'edge'])('in front of the %s', (side) => {
  describe.each(Object.entries(GROUPS))('%s in bad faith', (_group, cases) => {
    it.each(cases.filter(isFor(side)))('get their answer: $name', (given) => play(side, given));
  });
});

describe('in front of the edge, where it reads the form itself', () => {
  const cases = [...FORM_CASES, ...SIZE_CASES].filter(isFor('edge'));
  it.each(cases.filter(({ name }) => name !== 'a body for a route that takes none'))(
    'they get the same answer: $name',
    (given) => play('edge', given, { path: '/transcribe/auto' }),
  );
});

describe('after all of them', () => {
  it('there were enough of them', () => {
    expect(ALL.length).toBeGreaterThan(150);
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
  });

  it('the same processes run as before', async () => {
    expect(isAlive(origin.process.pid ?? 0)).toBe(true);
    expect(await origin.enginePid()).toBe(enginePid);
    expect(processesOfGroup(edge.pid, 'workerd')).toEqual(workerds);
  });

  it('both are healthy, and nothing is left in work', async () => {
    for (const { url } of [origin, edge]) {
      const health = await (await fetch(`${url}/health`)).json();
      expect(health).toMatchObject({ status: 'healthy', engine_state: 'ready' });
    }
    expect(await origin.health()).toMatchObject({ active_requests: 0, queue_waiting: 0 });
    expect(origin.listSpool()).toEqual([]);
  });

  it('both write down real speech', async () => {
    await expectSpeech(origin.url);
    await expectSpeech(edge.url);
  });

  it('neither log has a credential, a token, or a failure that nobody foresaw', () => {
    const logs = [JSON.stringify(origin.log), edge.output()];
    for (const log of logs) {
      expect(log).not.toContain('unexpected failure');
      for (const secret of secrets) expect(log).not.toContain(secret);
    }
  });
});
