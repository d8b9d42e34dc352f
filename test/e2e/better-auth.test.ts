/**
 * The whole chain with real parts: people of a real Better Auth → the Worker in workerd → the origin → the engine, and
 * the origin by itself, as callers on the LAN reach it. Then mana-auth crashes, and comes back. Groups follow one another.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import {
  type Person,
  type RunningManaAuth,
  startManaAuthServer,
} from '#test/support/running-mana-auth.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { recording, type Target } from '#test/support/transcribe-request.ts';

let manaAuth: RunningManaAuth;
let origin: RunningOrigin;
let edge: RunningEdge;

let person: Person;
let token: string;
/** Brought to edge and origin while mana-auth is up, so both remember it. */
let knownKey: string;
/** Made in time, brought for the first time when mana-auth is down. */
let newKey: string;
/** Signed with a key that came into being after the edge had looked at the JWKS. */
let tokenOfNewKid: string;
const secrets: string[] = [];

beforeAll(async () => {
  manaAuth = await startManaAuthServer();
  const keys = await generateAssertionKeys();
  const auth = {
    API_KEYS: 'sk-local:local',
    MANA_CORE_AUTH_URL: manaAuth.url,
    MANA_AUTH_URL: manaAuth.url,
    TIER_RATE_LIMITS: 'free=2/3600,pro=600/60',
  };
  origin = await startOrigin({
    ...auth,
    HOST: '0.0.0.0',
    EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey,
  });
  edge = await startEdge({
    ...auth,
    REQUIRE_AUTH: 'true',
    ORIGINS: `local=${origin.url}`,
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
  });
  person = await manaAuth.signUp('pro');
  token = await manaAuth.token(person.cookie);
  knownKey = await manaAuth.createKey(person, { requests: 70, window: 60 });
  newKey = await manaAuth.createKey(person, { requests: 50, window: 60 });
  secrets.push(token, knownKey, newKey, 'sk-local');
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
  await manaAuth?.stop();
});

/** Sends en_harbor.flac to be transcribed. */
async function bring(target: Target, credential: string): Promise<Response> {
  const body = new FormData();
  body.append('file', await recording('en_harbor.flac'));
  const headers = { Authorization: `Bearer ${credential}` };
  return await fetch(`${target.url}/transcribe`, { method: 'POST', body, headers });
}

/** A small request that needs a credential; null: sends none. */
async function ask(target: Target, credential: string | null): Promise<Response> {
  const headers = credential === null ? undefined : { 'X-API-Key': credential };
  const answer = await fetch(`${target.url}/models`, { ...(headers && { headers }) });
  await answer.arrayBuffer();
  return answer;
}

/** As a client that takes `Retry-After` at its word. */
async function askUntilAnswered(target: Target, credential: string): Promise<Response> {
  const answer = await ask(target, credential);
  if (answer.status !== 503) return answer;
  const seconds = Number(answer.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  await delay(seconds * 1000);
  return await askUntilAnswered(target, credential);
}

async function expectTranscript(answer: Response, limit: string): Promise<void> {
  expect(await answer.json()).toMatchObject({ text: expect.stringMatching(/harbor/i) });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-ratelimit-limit')).toBe(limit);
}

describe('with mana-auth up', () => {
  it('transcribes at the edge for a person with a token, with the limit of the tier', async () => {
    await expectTranscript(await bring(edge, token), '600');
    // Told by the edge, which the origin trusts, and never by the token itself.
    await origin.logLine((it) => it['principal'] === `user:${person.id}`);
  });

  it('counts all sessions of a person together', async () => {
    const first = await ask(edge, token);
    const second = await ask(edge, await manaAuth.token(await manaAuth.signIn(person)));
    const left = [first, second].map((it) => Number(it.headers.get('x-ratelimit-remaining')));
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(left[1]).toBe(left[0]! - 1);
  });

  it('transcribes at the edge for a key, with the limit that mana-auth gives it', async () => {
    await expectTranscript(await bring(edge, knownKey), '70');
  });

  it('transcribes at the origin for the same key', async () => {
    await expectTranscript(await bring(origin, knownKey), '70');
  });

  it('answers a person of a small tier with 429 once its limit is reached, and no other', async () => {
    const free = await manaAuth.token((await manaAuth.signUp('free')).cookie);
    const answers = [await ask(edge, free), await ask(edge, free), await ask(edge, free)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers.map((it) => it.headers.get('x-ratelimit-remaining'))).toEqual(['1', '0', '0']);
    expect(Number(answers[2]!.headers.get('retry-after'))).toBeGreaterThan(3500);
    expect((await ask(edge, token)).status).toBe(200);
  });

  it.each([
    ['another audience', () => ({ aud: 'another-service' })],
    ['another issuer', () => ({ iss: 'https://auth.example' })],
    ['an end 60 s ago', () => ({ exp: Math.floor(Date.now() / 1000) - 60 })],
  ])("refuses a token of Better Auth's own key with %s", async (_name, claims) => {
    const forged = await manaAuth.sign({ sub: person.id, aud: 'mana', ...claims() });
    const like = await manaAuth.sign({ sub: person.id, aud: 'mana' });
    expect((await ask(edge, like)).status).toBe(200);
    expect((await ask(edge, forged)).status).toBe(401);
  });

  it('refuses a key that mana-auth does not know', async () => {
    const unknown = `sk_live_${'0'.repeat(48)}`;
    expect((await ask(edge, unknown)).status).toBe(401);
    expect((await ask(origin, unknown)).status).toBe(401);
  });
});

describe('with mana-auth down', () => {
  beforeAll(async () => {
    await manaAuth.rotateKeys();
    tokenOfNewKid = await manaAuth.token(person.cookie);
    secrets.push(tokenOfNewKid);
    await manaAuth.goDown();
    await expect(fetch(manaAuth.url)).rejects.toThrow();
  });

  it('goes on transcribing for a key that it knows, at the edge and at the origin', async () => {
    await expectTranscript(await bring(edge, knownKey), '70');
    await expectTranscript(await bring(origin, knownKey), '70');
  });

  it('goes on transcribing for tokens whose key it knows', async () => {
    await expectTranscript(await bring(edge, token), '600');
  });

  it('lets keys of its own settings in', async () => {
    expect((await ask(edge, 'sk-local')).status).toBe(200);
    expect((await ask(origin, 'sk-local')).status).toBe(200);
  });

  it('answers a key that it has not seen with 503, at the edge and at the origin', async () => {
    for (const target of [edge, origin]) {
      const answer = await ask(target, newKey);
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  it('answers a token with 503 where no key of mana-auth was ever fetched', async () => {
    expect((await ask(origin, token)).status).toBe(503);
  });

  it('lets nobody in with a new kid', async () => {
    // 401 while the JWKS is younger than 30 s and not fetched again, then 503.
    expect([401, 503]).toContain((await ask(edge, tokenOfNewKid)).status);
    expect((await ask(origin, tokenOfNewKid)).status).toBe(503);
  });

  it.each([
    ['nobody', () => null],
    ['a key that is none', () => 'sk-nobody'],
    ['a token that was changed', () => `${token.slice(0, -8)}AAAAAAAA`],
  ])('answers %s with 401', async (_name, credential) => {
    expect((await ask(edge, credential())).status).toBe(401);
  });
});

describe('with mana-auth back', () => {
  beforeAll(() => manaAuth.comeBack());

  it('takes the key that it could not check before, at the edge and at the origin', async () => {
    for (const target of [edge, origin]) {
      const answer = await askUntilAnswered(target, newKey);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-ratelimit-limit')).toBe('50');
    }
  });

  it('takes old and new tokens at the origin, which had no key before', async () => {
    expect((await askUntilAnswered(origin, tokenOfNewKid)).status).toBe(200);
    expect((await ask(origin, token)).status).toBe(200);
  });

  it('takes the token of somebody who signs in again', async () => {
    const later = await manaAuth.token(await manaAuth.signIn(person));
    secrets.push(later);
    await expectTranscript(await bring(origin, later), '600');
  });

  it('has kept every key and token out of both logs', () => {
    const logs = edge.output() + JSON.stringify(origin.log);
    expect(logs).toContain(`user:${person.id}`);
    expect(secrets.filter((secret) => logs.includes(secret))).toEqual([]);
  });
});
