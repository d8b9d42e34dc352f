import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type AssertionKeyPair,
  generateAssertionKeys,
  parsePublicKeys,
} from '#shared/auth/assertion-keys.ts';
import { createAssertionSigner, createAssertionVerifier } from '#shared/auth/edge-assertion.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { createReplayGuard, type ReplayGuardOptions } from '#shared/auth/replay-guard.ts';

const PRINCIPAL: Principal = {
  kind: 'external-key',
  id: 'live:0123456789abcdef',
  name: 'user-7',
  scopes: ['stt'],
  rateLimit: { requests: 5, windowSeconds: 10 },
};
const START_MS = 1_800_000_000_000;
const FORM = 'multipart/form-data; boundary=b1';

interface RequestParts {
  method?: string;
  path?: string;
  id?: string;
  type?: string | null;
  length?: string | null;
}

function requestOf(parts: RequestParts = {}) {
  const { method = 'POST', path = '/jobs?x=1', id = 'r1', type = FORM, length = '100' } = parts;
  const headers = new Headers({ 'x-request-id': id });
  if (type !== null) headers.set('content-type', type);
  if (length !== null) headers.set('content-length', length);
  return { method, url: `https://any.test${path}`, headers };
}

let keys: AssertionKeyPair;
let otherKeys: AssertionKeyPair;
beforeAll(async () => {
  keys = await generateAssertionKeys();
  otherKeys = await generateAssertionKeys();
});

type Options = { publicKeys?: string } & Partial<ReplayGuardOptions>;

function setUp(options: Options = {}) {
  const clock = { nowMs: START_MS };
  const now = () => clock.nowMs;
  const sign = (pair = keys, audience = 'origin-1') =>
    createAssertionSigner({ privateKey: JSON.parse(pair.privateKey), audience, now });
  const parsed = parsePublicKeys(options.publicKeys ?? keys.publicKey);
  const verify = createAssertionVerifier({
    publicKeys: parsed.ok ? parsed.value : [],
    audience: 'origin-1',
    now,
    replays: createReplayGuard({ now, ...options }),
  });
  const outcome = async (assertion: string, request = requestOf()) => {
    const result = await verify(assertion, request);
    return result.ok ? result.value : result.error;
  };
  return { clock, sign, outcome };
}

/** Signs what the edge never would. */
async function forge(changes: Record<string, unknown>, header: Record<string, unknown> = {}) {
  const { clock, sign } = setUp();
  const good = decodeJwt(await sign()(PRINCIPAL, requestOf()));
  const seconds = clock.nowMs / 1000;
  const privateKey = JSON.parse(keys.privateKey);
  return await new SignJWT({ ...good, iat: seconds, exp: seconds + 60, ...changes })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'mana-edge+jwt', ...header })
    .sign(privateKey);
}

describe('edge assertion', () => {
  it('carries the principal to the origin', async () => {
    const { sign, outcome } = setUp();
    expect(await outcome(await sign()(PRINCIPAL, requestOf()))).toEqual(PRINCIPAL);
  });

  it('counts once', async () => {
    const { sign, outcome } = setUp();
    const assertion = await sign()(PRINCIPAL, requestOf());
    await outcome(assertion);
    expect(await outcome(assertion)).toBe('replayed');
  });

  it('cannot be replayed at the end of its life either', async () => {
    const { clock, sign, outcome } = setUp();
    const assertion = await sign()(PRINCIPAL, requestOf());
    await outcome(assertion);
    for (let second = 0; second < 120; second++) {
      clock.nowMs += 1000;
      expect(['replayed', 'expired']).toContain(await outcome(assertion));
    }
  });

  it('does not count when it was issued before the origin began to listen', async () => {
    const { clock, sign, outcome } = setUp({ startedMs: () => START_MS + 1500 });
    const before = await sign()(PRINCIPAL, requestOf());
    clock.nowMs += 1000;
    // Of the second in which it began: its time says no more.
    const during = await sign()(PRINCIPAL, requestOf());
    clock.nowMs += 1000;
    expect(await outcome(before)).toBe('before_start');
    expect(await outcome(during)).toEqual(PRINCIPAL);
  });

  it('seen before a restart does not count after it', async () => {
    const first = setUp();
    const assertion = await first.sign()(PRINCIPAL, requestOf());
    expect(await first.outcome(assertion)).toEqual(PRINCIPAL);
    const second = setUp({ startedMs: () => START_MS + 1000 });
    expect(await second.outcome(assertion)).toBe('before_start');
  });

  it('lives 60 s, and 10 s more for clocks that differ', async () => {
    const { clock, sign, outcome } = setUp();
    const [first, second] = [
      await sign()(PRINCIPAL, requestOf()),
      await sign()(PRINCIPAL, requestOf()),
    ];
    clock.nowMs += 69_000;
    expect(await outcome(first)).toEqual(PRINCIPAL);
    clock.nowMs += 2000;
    expect(await outcome(second)).toBe('expired');
  });

  it.each<[string, RequestParts]>([
    ['another method', { method: 'DELETE' }],
    ['another path', { path: '/jobs/7?x=1' }],
    ['another query', { path: '/jobs?x=2' }],
    ['another request id', { id: 'r2' }],
    ['another boundary', { type: 'multipart/form-data; boundary=b2' }],
    ['no content type', { type: null }],
    ['another length', { length: '101' }],
  ])('is refused with %s', async (_what, parts) => {
    const { sign, outcome } = setUp();
    expect(await outcome(await sign()(PRINCIPAL, requestOf()), requestOf(parts))).toBe(
      'another_request',
    );
  });

  it('holds when a proxy sends the body in chunks, or joins it', async () => {
    const { sign, outcome } = setUp();
    const chunked = requestOf({ length: null });
    expect(await outcome(await sign()(PRINCIPAL, requestOf()), chunked)).toEqual(PRINCIPAL);
    expect(await outcome(await sign()(PRINCIPAL, chunked), requestOf())).toEqual(PRINCIPAL);
  });

  it('does not use up an assertion that came with another request', async () => {
    const { sign, outcome } = setUp();
    const assertion = await sign()(PRINCIPAL, requestOf());
    await outcome(assertion, requestOf({ id: 'r2' }));
    expect(await outcome(assertion)).toEqual(PRINCIPAL);
  });

  it('is for one origin', async () => {
    const { sign, outcome } = setUp();
    const assertion = await sign(keys, 'origin-2')(PRINCIPAL, requestOf());
    expect(await outcome(assertion)).toBe('audience');
  });

  it('is refused when another key signed it', async () => {
    const { sign, outcome } = setUp();
    expect(await outcome(await sign(otherKeys)(PRINCIPAL, requestOf()))).toBe('unknown_key_id');
  });

  it('is accepted from both keys while they are changed', async () => {
    const publicKeys = `[${keys.publicKey},${otherKeys.publicKey}]`;
    const { sign, outcome } = setUp({ publicKeys });
    expect(await outcome(await sign()(PRINCIPAL, requestOf()))).toEqual(PRINCIPAL);
    expect(await outcome(await sign(otherKeys)(PRINCIPAL, requestOf()))).toEqual(PRINCIPAL);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['lives an hour', { exp: START_MS / 1000 + 3600 }, {}, 'lifetime'],
    ['was issued an hour ago', { iat: START_MS / 1000 - 3600 }, {}, 'expired'],
    ['comes from the future', { iat: START_MS / 1000 + 3600 }, {}, 'not_yet_valid'],
    ['has no exp', { exp: undefined }, {}, 'claims'],
    ['has no jti', { jti: undefined }, {}, 'claims'],
    ['has a short jti', { jti: 'x' }, {}, 'claims'],
    ['has another issuer', { iss: 'somebody' }, {}, 'issuer'],
    ['names two subjects', { sub: 'internal' }, {}, 'claims'],
    ['has an unknown kind', { principal: { ...PRINCIPAL, kind: 'root' } }, {}, 'claims'],
    ['has extra members', { principal: { ...PRINCIPAL, isAdmin: true } }, {}, 'claims'],
    ['has no request', { req: undefined }, {}, 'claims'],
    ['is of another type', {}, { typ: 'JWT' }, 'claims'],
    ['has no type', {}, { typ: undefined }, 'claims'],
  ])('is refused when it %s', async (_what, changes, header, fault) => {
    const { outcome } = setUp();
    expect(await outcome(await forge(changes, header))).toBe(fault);
  });

  it.each([
    ['alg=none', 'none', ''],
    ['an HMAC', 'HS256', 'AAAA'],
    ['an empty signature', 'EdDSA', ''],
  ])('is refused with %s', async (_what, alg, signature) => {
    const { sign, outcome } = setUp();
    const [, body] = (await sign()(PRINCIPAL, requestOf())).split('.');
    const head = Buffer.from(JSON.stringify({ alg, typ: 'mana-edge+jwt' })).toString('base64url');
    expect(typeof (await outcome(`${head}.${body}.${signature}`))).toBe('string');
  });

  it('is refused when it is too long to be one', async () => {
    const { outcome } = setUp();
    expect(await outcome('a'.repeat(12_289))).toBe('malformed');
  });

  it('is refused when there is no room to remember it', async () => {
    const { clock, sign, outcome } = setUp({ maxIds: 2 });
    await outcome(await sign()(PRINCIPAL, requestOf()));
    await outcome(await sign()(PRINCIPAL, requestOf()));
    expect(await outcome(await sign()(PRINCIPAL, requestOf()))).toBe('too_many_assertions');
    clock.nowMs += 71_000;
    expect(await outcome(await sign()(PRINCIPAL, requestOf()))).toEqual(PRINCIPAL);
  });

  it('is not signed for a request without an id', async () => {
    const { sign } = setUp();
    const { headers, ...request } = requestOf();
    headers.delete('x-request-id');
    await expect(sign()(PRINCIPAL, { ...request, headers })).rejects.toThrow('X-Request-Id');
  });
});

describe('parsePublicKeys', () => {
  it('refuses a private key without repeating it', () => {
    const parsed = parsePublicKeys(keys.privateKey);
    expect(parsed).toMatchObject({ ok: false, error: expect.stringContaining('private key') });
    expect(JSON.stringify(parsed)).not.toContain(JSON.parse(keys.privateKey).d);
  });

  it('reads a JWK Set', async () => {
    const { publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const text = JSON.stringify({ keys: [await exportJWK(publicKey)] });
    expect(parsePublicKeys(text)).toMatchObject({ ok: true, value: [{ crv: 'Ed25519' }] });
  });

  it.each(['', '{}', '[]', 'null', '{"keys":[]}', '{"kty":"RSA"}'])('refuses %s', (text) => {
    expect(parsePublicKeys(text).ok).toBe(false);
  });
});
