import { Hono } from 'hono';
import { requestId } from 'hono/request-id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideAccess } from '#shared/auth/access.ts';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import { authenticateFromSettings } from '#shared/auth/create-authenticate.ts';
import { loadAuthSettings } from '#shared/auth/settings.ts';
import { errorToWire } from '#shared/error-to-wire.ts';
import { SttException } from '#shared/errors.ts';
import { type AuthenticationVariables, authentication } from '#shared/middleware/authentication.ts';
import { type AuthCase, CASE_PATH } from '#test/support/auth-cases/auth-case.ts';
import { AUTH_GROUPS } from '#test/support/auth-cases.ts';
import { type AuthWorld, createAuthWorld, KEYS } from '#test/support/auth-world.ts';

let world: AuthWorld;
beforeAll(async () => {
  world = await createAuthWorld();
});
afterAll(() => world.close());

interface Env {
  Variables: AuthenticationVariables & { requestId: string };
}

/** The least app there is: the middleware, and an answer that says whom it saw. */
function createApp(env: Readonly<Record<string, string>>) {
  const settings = loadAuthSettings(env);
  const decision = decideAccess(settings, '127.0.0.1');
  if (!decision.ok) {
    throw new Error(decision.error);
  }
  const { access } = decision.value;
  const failures: AuthFailure[] = [];
  // Short, so that a server that hangs costs nothing; the others answer within a few ms or reset.
  const timeoutMs = 500;
  const authenticate = authenticateFromSettings(settings, {
    access,
    fetch,
    now: Date.now,
    timeoutMs,
  });
  const app = new Hono<Env>();
  app.use(requestId());
  app.use(authentication({ authenticate, onRefused: (failure) => failures.push(failure) }));
  app.get(CASE_PATH, (c) => c.json(c.var.principal));
  app.onError((error, c) => {
    const known = error instanceof SttException ? error.error : { kind: 'internal' as const };
    const wire = errorToWire(known, { requestId: c.get('requestId') });
    return new Response(JSON.stringify(wire.body), wire);
  });
  return { app, failures };
}

function toReason(failure: AuthFailure): string {
  const { kind, ...evidence } = failure;
  const detail =
    ('fault' in evidence && evidence.fault) ||
    ('cause' in evidence && evidence.cause) ||
    ('found' in evidence && evidence.found);
  return detail ? `${kind}/${detail}` : kind;
}

async function play(app: Hono<Env>, play: AuthCase): Promise<Response> {
  world.manaAuth.mode = 'up';
  if (play.warmUp !== undefined) {
    const warm = await app.request(CASE_PATH, { headers: await play.warmUp(world) });
    expect(warm.status).toBe(200);
  }
  const headers = await play.headers(world);
  world.manaAuth.mode = play.mode ?? 'up';
  const answer = await app.request(CASE_PATH, { headers });
  world.manaAuth.mode = 'up';
  return answer;
}

describe.each(AUTH_GROUPS)('authentication: $name', ({ env, cases }) => {
  let shared: ReturnType<typeof createApp>;
  beforeAll(() => {
    shared = createApp(env(world));
  });

  it.each(cases)('answers "$name" with $status', async (given) => {
    const { app, failures } = given.mode === undefined ? shared : createApp(env(world));
    const answer = await play(app, given);
    const text = await answer.text();
    expect(answer.status, text).toBe(given.status);
    const reasons = failures.splice(0).map(toReason);
    if (given.reason !== undefined) {
      expect(reasons).toEqual([given.reason]);
    }
    if (given.principal !== undefined) {
      expect(JSON.parse(text).id).toMatch(
        given.principal instanceof RegExp ? given.principal : new RegExp(`^${given.principal}$`),
      );
    }
    if (given.status === 401) {
      expect(answer.headers.get('www-authenticate')).toBe('ApiKey');
    }
    if (given.status === 503) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});

describe('authentication', () => {
  const bodyOf = async (headers: Record<string, string>) => {
    const { app } = createApp(world.env);
    const answer = await app.request(CASE_PATH, {
      headers: { ...headers, 'x-request-id': 'same' },
    });
    return { status: answer.status, body: await answer.text(), headers: [...answer.headers] };
  };

  it('answers every 401 with the same bytes, whatever was wrong', async () => {
    const nothing = await bodyOf({});
    const { sign } = world.manaAuth;
    for (const credential of ['sk-nobody', KEYS.liveRefused, await sign({ sub: 'x' }), 'a.b.c']) {
      expect(await bodyOf({ 'x-api-key': credential })).toEqual(nothing);
    }
  });

  it('gives the log a reason without any part of the credential', async () => {
    const { app, failures } = createApp(world.env);
    const token = await world.manaAuth.sign({ sub: 'secret-person', aud: 'other' });
    await app.request(CASE_PATH, { headers: { 'x-api-key': token } });
    await app.request(CASE_PATH, { headers: { 'x-api-key': 'sk_live_some_secret' } });
    expect(failures).toEqual([
      { kind: 'token_refused', fault: expect.any(String) },
      { kind: 'key_refused' },
    ]);
  });

  it('gives a person the limit of the tier, a key that of mana-auth, the internal key none', async () => {
    const { app } = createApp(world.env);
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
    const { app } = createApp(world.env);
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
    const { app } = createApp(world.env);
    const before = world.manaAuth.counts.jwks;
    for (let index = 0; index < 50; index++) {
      const token = await world.manaAuth.sign({ sub: 'x' }, { kid: `kid-${index}` });
      const { status } = await app.request(CASE_PATH, { headers: { 'x-api-key': token } });
      expect(status).toBe(401);
    }
    expect(world.manaAuth.counts.jwks - before).toBe(1);
  });
});
