import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOriginApp } from '#origin/app.ts';
import { HealthResponse } from '#shared/contracts/service.ts';
import { CASE_PATH, CASE_REQUEST_ID } from '#test/support/auth-cases/auth-case.ts';
import { describeAuthentication } from '#test/support/auth-conformance.ts';
import { type AuthWorld, createAuthWorld, EDGE_USER, KEYS } from '#test/support/auth-world.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { logLine, startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';

/** Characters; Node itself answers longer ones with 431, so only the app can be asked. */
const MAX_NODE_HEADERS = 16_000;

let world: AuthWorld;
const origins = new Map<string, Promise<TestOrigin>>();

beforeAll(async () => {
  world = await createAuthWorld();
});

afterAll(async () => {
  for (const origin of origins.values()) await (await origin).stop();
  await world?.close();
});

function originFor(appId: string, env: Readonly<Record<string, string>>): Promise<TestOrigin> {
  const known = origins.get(appId);
  if (known !== undefined) return known;
  // Short, so that a mana-auth that hangs costs nothing; the others answer within a few ms or reset.
  const started = startTestOrigin({ ...env }, { authTimeoutMs: 500 });
  origins.set(appId, started);
  return started;
}

describeAuthentication('the origin', () => ({
  world,
  send: async ({ env, appId }, headers) => {
    const { url, dependencies } = await originFor(appId, env);
    const isForNode = JSON.stringify(headers).length < MAX_NODE_HEADERS;
    return isForNode
      ? await fetch(`${url}${CASE_PATH}`, { headers })
      : await createOriginApp(dependencies).request(CASE_PATH, { headers });
  },
}));

describe('the origin with keys', () => {
  const start = () => originFor('keys', world.env);
  const as = (key: string) => ({ headers: { 'x-api-key': key } });

  it.each([
    ['GET', '/models'],
    ['POST', '/transcribe'],
    ['POST', '/transcribe/whisperx'],
    ['POST', '/jobs'],
    ['GET', '/jobs/x'],
    ['GET', '/jobs/x/result'],
    ['DELETE', '/jobs/x'],
  ])('answers %s %s with 401 to nobody, before it looks at anything else', async (method, path) => {
    const { url, admission } = await start();
    const answer = await fetch(`${url}${path}`, { method });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'unauthenticated' });
    expect(admission.counts()).toEqual({ running: 0, waiting: 0 });
  });

  it('asks nobody who reads / or /health, and says there that it asks', async () => {
    const { url } = await start();
    expect((await fetch(`${url}/`)).status).toBe(200);
    const health = HealthResponse.parse(await (await fetch(`${url}/health`)).json());
    expect(health.auth_required).toBe(true);
  });

  it.each([
    ['a key', KEYS.app1, 401],
    ['the internal key', KEYS.internal, 200],
  ])('answers %s at /metrics with %s', async (_name, key, status) => {
    const { url } = await start();
    expect((await fetch(`${url}/metrics`, as(key))).status).toBe(status);
  });

  it('shows a job to its own app only', async () => {
    const { url } = await start();
    const body = form(['file', RECORDING]);
    const { headers } = await fetch(`${url}/jobs`, { ...as(KEYS.app1), method: 'POST', body });
    const path = headers.get('location');
    expect((await fetch(`${url}${path}`, as(KEYS.app1))).status).toBe(200);
    expect((await fetch(`${url}${path}`, as(KEYS.app2))).status).toBe(404);
  });

  it('writes who it was and why somebody was refused into the log, and no part of a key', async () => {
    const origin = await start();
    const from = (id: string, key: string) =>
      fetch(`${origin.url}/models`, { headers: { 'x-api-key': key, 'x-request-id': id } });
    await from('log-1', KEYS.app1);
    await from('log-2', 'sk-guessed-key');
    const lineOf = (id: string) => logLine(origin, (line) => line['request_id'] === id);
    expect(await lineOf('log-1')).toMatchObject({ principal: 'key:app1', status: 200 });
    expect(await lineOf('log-2')).toMatchObject({ refusal: 'unknown_key', status: 401 });
    expect(JSON.stringify(origin.log)).not.toMatch(/sk-/);
  });

  it('counts callers by kind and refusals by reason', async () => {
    const { url } = await originFor('numbers', world.env);
    await fetch(`${url}/models`, as(KEYS.app1));
    await fetch(`${url}/models`, as('sk-nobody'));
    const page = await (await fetch(`${url}/metrics`)).text();
    expect(page).toContain('mana_stt_callers_total{kind="local-key"} 1');
    expect(page).toContain('mana_stt_auth_refusals_total{reason="unknown_key"} 1');
  });

  it('counts no request again that the edge vouches for', async () => {
    const { url } = await start();
    const headers = new Headers({ 'x-request-id': CASE_REQUEST_ID });
    const request = { method: 'GET', url: `https://edge.test${CASE_PATH}`, headers };
    headers.set('x-mana-assertion', await world.signAsEdge(EDGE_USER, request));
    const answer = await fetch(`${url}${CASE_PATH}`, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ratelimit-limit')).toBeNull();
  });
});

describe('an origin that has just been started', () => {
  it('takes no assertion from before it listened', async () => {
    // As if the restart had taken five seconds.
    const wallNow = () => Date.now() + 5000;
    const origin = await startTestOrigin({ ...world.env }, { wallNow });
    const headers = new Headers({ 'x-request-id': CASE_REQUEST_ID });
    const request = { method: 'GET', url: `https://edge.test${CASE_PATH}`, headers };
    headers.set('x-mana-assertion', await world.signAsEdge(EDGE_USER, request));
    expect((await fetch(`${origin.url}${CASE_PATH}`, { headers })).status).toBe(401);
    const line = await logLine(origin, ({ refusal }) => refusal !== undefined);
    expect(line['refusal']).toBe('assertion_refused/before_start');
    await origin.stop();
  });
});

describe('the origin with nothing configured', () => {
  it('says that no key is needed', async () => {
    const { url } = await originFor('nothing', {});
    const health = HealthResponse.parse(await (await fetch(`${url}/health`)).json());
    expect(health.auth_required).toBe(false);
  });

  it('does not count what this machine does', async () => {
    const { url } = await originFor('nothing', {});
    expect((await fetch(`${url}/models`)).headers.get('x-ratelimit-limit')).toBeNull();
  });

  it('counts it when a limit was written', async () => {
    const { url } = await originFor('limited', { RATE_LIMIT_REQUESTS: '1' });
    expect((await fetch(`${url}/models`)).status).toBe(200);
    expect((await fetch(`${url}/models`)).status).toBe(429);
  });

  it('does not start on an address of the network', async () => {
    await expect(startTestOrigin({ HOST: '0.0.0.0' })).rejects.toThrow(/no key is configured/);
  });
});
