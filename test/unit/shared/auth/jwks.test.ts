import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { createJwks, type JwksOptions } from '#shared/auth/jwks.ts';

const jwk = async (kid: string): Promise<JWK> => {
  const { publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  return { ...(await exportJWK(publicKey)), kid };
};

/** A JWKS that the test changes; null: the server is down. */
function setUp(keys: readonly unknown[] | null, options: Partial<JwksOptions> = {}) {
  const peer = { nowMs: 1_000_000, fetches: 0, keys };
  const findKey = createJwks({
    url: 'https://auth.test/api/auth/jwks',
    now: () => peer.nowMs,
    fetch: async () => {
      peer.fetches++;
      if (peer.keys === null) {
        throw new TypeError('connect ECONNREFUSED');
      }
      return Response.json({ keys: peer.keys });
    },
    ...options,
  });
  const find = async (kid: string) => {
    const found = await findKey({ alg: 'EdDSA', kid }, { payload: '', signature: '' });
    return found.ok || found.error.kind;
  };
  return { peer, find };
}

describe('createJwks', () => {
  it('fetches the set once for ten minutes', async () => {
    const { peer, find } = setUp([await jwk('a')]);
    await find('a');
    peer.nowMs += 599_999;
    expect(await find('a')).toBe(true);
    expect(peer.fetches).toBe(1);
    peer.nowMs += 1;
    await find('a');
    expect(peer.fetches).toBe(2);
  });

  it('fetches for an unknown kid once in 30 s', async () => {
    const { peer, find } = setUp([await jwk('a')]);
    await find('a');
    for (let second = 0; second < 60; second++) {
      peer.nowMs += 1000;
      expect(await find(`nobody${second}`)).toBe('unknown_key_id');
    }
    expect(peer.fetches).toBe(3);
  });

  it('finds a new key 30 s after it was last asked', async () => {
    const { peer, find } = setUp([await jwk('a')]);
    await find('a');
    peer.keys = [await jwk('b')];
    peer.nowMs += 29_999;
    expect(await find('b')).toBe('unknown_key_id');
    peer.nowMs += 1;
    expect(await find('b')).toBe(true);
    expect(await find('a')).toBe('unknown_key_id');
  });

  it('uses the keys it has for a day while the server is down', async () => {
    const { peer, find } = setUp([await jwk('a')]);
    await find('a');
    peer.keys = null;
    peer.nowMs += 86_399_999;
    expect(await find('a')).toBe(true);
    peer.nowMs += 1;
    expect(await find('a')).toBe('auth_unavailable');
  });

  it('cannot say whether a kid is known while the server is down', async () => {
    const { peer, find } = setUp([await jwk('a')]);
    await find('a');
    peer.keys = null;
    peer.nowMs += 30_000;
    expect(await find('b')).toBe('auth_unavailable');
  });

  it('stays away from a server that failed', async () => {
    const { peer, find } = setUp(null);
    for (let second = 0; second < 60; second++) {
      expect(await find('a')).toBe('auth_unavailable');
      peer.nowMs += 1000;
    }
    expect(peer.fetches).toBe(6);
    peer.keys = [await jwk('a')];
    peer.nowMs += 30_000;
    expect(await find('a')).toBe(true);
  });

  it('keeps the old keys when the new set is nonsense', async () => {
    const { peer, find } = setUp([await jwk('a')]);
    await find('a');
    peer.keys = [];
    peer.nowMs += 600_000;
    expect(await find('a')).toBe(true);
  });

  it.each([
    ['two keys with one kid', async () => [await jwk('a'), await jwk('a')]],
    ['a symmetric key', async () => [{ kty: 'oct', k: 'c2VjcmV0', kid: 'a', alg: 'EdDSA' }]],
    ['a key that is cut short', async () => [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'a' }]],
    ['a key without numbers', async () => [{ kty: 'OKP', crv: 'Ed25519', kid: 'a' }]],
    ['a key for encryption', async () => [{ ...(await jwk('a')), use: 'enc' }]],
  ])('does not use %s', async (_what, keys) => {
    const { find } = setUp(await keys());
    expect(await find('a')).toBe('unknown_key_id');
  });

  it('fetches once for those who ask at once, where nobody may join the work of another request', async () => {
    const { peer, find } = setUp([await jwk('a')], { isShared: false });
    const found = await Promise.all(Array.from({ length: 50 }, () => find('a')));
    expect(found).toEqual(Array(50).fill(true));
    expect(peer.fetches).toBe(1);
  });

  it('shares one fetch among those who ask at once', async () => {
    const { peer, find } = setUp([await jwk('a')], { isShared: true });
    await Promise.all(Array.from({ length: 50 }, () => find('a')));
    expect(peer.fetches).toBe(1);
  });
});
