import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import { createAuthApp, REASON_HEADER } from '#test/support/auth-app.ts';
import { CASE_PATH } from '#test/support/auth-cases/auth-case.ts';
import { describeAuthentication } from '#test/support/auth-conformance.ts';
import { type AuthWorld, createAuthWorld, KEYS } from '#test/support/auth-world.ts';

let world: AuthWorld;
beforeAll(async () => {
  world = await createAuthWorld();
});
afterAll(() => world.close());

const apps = new Map<string, ReturnType<typeof createAuthApp>>();

describeAuthentication('Node', () => ({
  world,
  send: async ({ env, appId }, headers) => {
    const app = apps.get(appId) ?? createAuthApp(env);
    apps.set(appId, app);
    return await app.request(CASE_PATH, { headers });
  },
}));

describe('authentication', () => {
  const bodyOf = async (sent: Record<string, string>) => {
    const app = createAuthApp(world.env);
    const answer = await app.request(CASE_PATH, {
      headers: { ...sent, 'x-request-id': 'same' },
    });
    const headers = [...answer.headers].filter(([name]) => name !== REASON_HEADER);
    return { status: answer.status, body: await answer.text(), headers };
  };

  it('answers every 401 with the same bytes, whatever was wrong', async () => {
    const nothing = await bodyOf({});
    const { sign } = world.manaAuth;
    for (const credential of ['sk-nobody', KEYS.liveRefused, await sign({ sub: 'x' }), 'a.b.c']) {
      expect(await bodyOf({ 'x-api-key': credential })).toEqual(nothing);
    }
  });

  it('gives the log a reason without any part of the credential', async () => {
    const failures: AuthFailure[] = [];
    const app = createAuthApp(world.env, (failure) => failures.push(failure));
    const token = await world.manaAuth.sign({ sub: 'secret-person', aud: 'other' });
    await app.request(CASE_PATH, { headers: { 'x-api-key': token } });
    await app.request(CASE_PATH, { headers: { 'x-api-key': 'sk_live_some_secret' } });
    expect(failures).toEqual([
      { kind: 'token_refused', fault: expect.any(String) },
      { kind: 'key_refused' },
    ]);
  });

  it('gives a person the limit of the tier, a key that of mana-auth, the internal key none', async () => {
    const app = createAuthApp(world.env);
    const limitOf = async (credential: string) => {
      const answer = await app.request(CASE_PATH, { headers: { 'x-api-key': credential } });
      return ((await answer.json()) as { rateLimit: unknown }).rateLimit;
    };
    const { token } = await world.manaAuth.signUp();
    expect(await limitOf(token)).toEqual({ requests: 600, windowSeconds: 60 });
    expect(await limitOf(KEYS.live)).toEqual({ requests: 5, windowSeconds: 10 });
    expect(await limitOf(KEYS.app1)).toEqual({ requests: 60, windowSeconds: 60 });
    expect(await limitOf(KEYS.internal)).toBeNull();
  });

  it('asks mana-auth once for a key that many requests bring at once', async () => {
    const app = createAuthApp(world.env);
    const before = world.manaAuth.counts.validations;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        app.request(CASE_PATH, { headers: { 'x-api-key': KEYS.live } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(world.manaAuth.counts.validations - before).toBe(1);
  });

  it('fetches the JWKS once for a flood of unknown kids', async () => {
    const app = createAuthApp(world.env);
    const before = world.manaAuth.counts.jwks;
    for (let index = 0; index < 50; index++) {
      const token = await world.manaAuth.sign({ sub: 'x' }, { kid: `kid-${index}` });
      const { status } = await app.request(CASE_PATH, { headers: { 'x-api-key': token } });
      expect(status).toBe(401);
    }
    expect(world.manaAuth.counts.jwks - before).toBe(1);
  });
});
