import { describe, expect, it, vi } from 'vitest';
import type { FetchLike } from '#shared/auth/fetch-json.ts';
import { createManaAuth, type ManaAuthOptions } from '#shared/auth/mana-auth.ts';

const VALID = { valid: true, userId: 'u1', scopes: ['stt'] };
const KEY = 'sk_live_a';

/** mana-auth as the test wants it at the moment, and how often it was asked. */
function setUp(options: Partial<ManaAuthOptions> = {}) {
  const peer = { nowMs: 1_000_000, asked: [] as string[], status: 200, answer: VALID as unknown };
  const fetch: FetchLike = async (_url, init) => {
    peer.asked.push(JSON.parse(init.body ?? '').apiKey);
    if (peer.answer === null) {
      throw new TypeError('connect ECONNREFUSED');
    }
    return new Response(JSON.stringify(peer.answer), { status: peer.status });
  };
  const validate = createManaAuth({
    baseUrl: 'https://auth.test',
    fetch,
    now: () => peer.nowMs,
    defaultRateLimit: { requests: 60, windowSeconds: 60 },
    staleGraceSeconds: 3600,
    ...options,
  });
  const passes = async (key = KEY) => {
    const result = await validate(key);
    return result.ok || result.error.kind;
  };
  return { peer, validate, passes };
}

describe('createManaAuth', () => {
  it('sends the key and the scope to the address of the contract', async () => {
    const seen: unknown[] = [];
    const { validate } = setUp({
      fetch: async (url, init) => {
        seen.push(url, init.method, init.redirect, JSON.parse(init.body ?? ''));
        return Response.json(VALID);
      },
    });
    await validate(KEY);
    expect(seen).toEqual([
      'https://auth.test/api/v1/api-keys/validate',
      'POST',
      'manual',
      { apiKey: KEY, scope: 'stt' },
    ]);
  });

  it('remembers a good key for 300 s', async () => {
    const { peer, passes } = setUp();
    await passes();
    peer.nowMs += 299_999;
    await passes();
    expect(peer.asked).toHaveLength(1);
    peer.nowMs += 1;
    await passes();
    expect(peer.asked).toHaveLength(2);
  });

  it('remembers a refusal for 30 s', async () => {
    const { peer, passes } = setUp();
    peer.answer = { valid: false, error: 'revoked' };
    expect(await passes()).toBe('key_refused');
    peer.nowMs += 29_999;
    peer.answer = VALID;
    expect(await passes()).toBe('key_refused');
    peer.nowMs += 1;
    expect(await passes()).toBe(true);
  });

  it('forgets a good key that is refused later', async () => {
    const { peer, passes } = setUp();
    await passes();
    peer.nowMs += 300_000;
    peer.answer = { valid: false };
    expect(await passes()).toBe('key_refused');
    peer.nowMs += 30_000;
    peer.answer = null;
    expect(await passes()).toBe('auth_unavailable');
  });

  it('keeps a known key working for the grace while mana-auth is down, and no longer', async () => {
    const { peer, passes } = setUp();
    await passes();
    peer.answer = null;
    peer.nowMs += 300_000 + 3_599_999;
    expect(await passes()).toBe(true);
    peer.nowMs += 1;
    expect(await passes()).toBe('auth_unavailable');
  });

  it('has no grace when it is set to 0', async () => {
    const { peer, passes } = setUp({ staleGraceSeconds: 0 });
    await passes();
    peer.answer = null;
    peer.nowMs += 300_000;
    expect(await passes()).toBe('auth_unavailable');
  });

  it('stays away after a failure: 1 s, 2 s, 4 s, up to 30 s', async () => {
    const { peer, validate } = setUp();
    peer.answer = null;
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      const failed = await validate(`sk_live_${attempt}`);
      const again = await validate('sk_live_other');
      expect(again).toMatchObject({ error: { cause: 'cooling_down' } });
      const seconds =
        !failed.ok && 'retryAfterSeconds' in failed.error ? failed.error.retryAfterSeconds : 0;
      waits.push(seconds);
      peer.nowMs += seconds * 1000;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30]);
    expect(peer.asked).toHaveLength(7);
  });

  it('asks at once again after a success', async () => {
    const { peer, passes } = setUp();
    peer.answer = null;
    await passes();
    peer.nowMs += 1000;
    peer.answer = VALID;
    expect(await passes('sk_live_b')).toBe(true);
    peer.answer = null;
    await passes('sk_live_c');
    peer.nowMs += 1000;
    peer.answer = VALID;
    expect(await passes('sk_live_d')).toBe(true);
  });

  it('does not let refused keys push out a good one', async () => {
    const { peer, passes } = setUp({ maxCached: 3 });
    await passes();
    peer.answer = { valid: false };
    for (let index = 0; index < 10; index++) {
      await passes(`sk_live_guess${index}`);
    }
    expect(await passes()).toBe(true);
    expect(peer.asked).toHaveLength(11);
  });

  it('forgets the good key that was used least recently when there are too many', async () => {
    const { peer, passes } = setUp({ maxCached: 2 });
    await passes('sk_live_1');
    await passes('sk_live_2');
    await passes('sk_live_1');
    await passes('sk_live_3');
    await passes('sk_live_1');
    await passes('sk_live_2');
    expect(peer.asked).toEqual(['sk_live_1', 'sk_live_2', 'sk_live_3', 'sk_live_2']);
  });

  it('shares one look-up among those who ask at once', async () => {
    const { peer, passes } = setUp({ isShared: true });
    expect(await Promise.all(Array.from({ length: 100 }, () => passes()))).toEqual(
      Array(100).fill(true),
    );
    expect(peer.asked).toHaveLength(1);
  });

  it('asks once for those who ask at once, where nobody may join the work of another request', async () => {
    const { peer, passes } = setUp({ isShared: false });
    expect(await Promise.all(Array.from({ length: 200 }, () => passes()))).toEqual(
      Array(200).fill(true),
    );
    expect(peer.asked).toHaveLength(1);
  });

  it('takes a look-up for lost when it is older than its time limit', async () => {
    let isLost = true;
    let asked = 0;
    const { peer, passes } = setUp({
      isShared: false,
      fetch: async () => {
        asked++;
        return isLost ? new Promise<never>(() => {}) : Response.json(VALID);
      },
    });
    const lost = Array.from({ length: 64 }, (_, index) => passes(`sk_live_${index}`));
    await vi.waitFor(() => expect(asked).toBe(64));
    expect(await passes('sk_live_x')).toBe('auth_unavailable');
    isLost = false;
    peer.nowMs += 6000;
    expect(await passes('sk_live_y')).toBe(true);
    expect(lost).toHaveLength(64);
  });

  it('refuses to ask about more than 64 keys at once', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    let asked = 0;
    const { passes } = setUp({
      isShared: false,
      fetch: async () => {
        asked++;
        await gate;
        return Response.json(VALID);
      },
    });
    let refused = 0;
    const outcomes = Array.from({ length: 70 }, async (_, index) => {
      const outcome = await passes(`sk_live_${index}`);
      refused += outcome === 'auth_unavailable' ? 1 : 0;
      if (refused === 6) {
        open();
      }
      return outcome;
    });
    expect((await Promise.all(outcomes)).filter((outcome) => outcome === true)).toHaveLength(64);
    expect(asked).toBe(64);
  });

  it.each(['sk_live_', 'sk_live_a b', 'sk_live_"', `sk_live_${'k'.repeat(501)}`])(
    'refuses %j without asking',
    async (key) => {
      const { peer, passes } = setUp();
      expect(await passes(key)).toBe('key_refused');
      expect(peer.asked).toHaveLength(0);
    },
  );

  it.each([
    ['text', 200, 'yes', 'auth_unavailable'],
    ['null', 200, [], 'auth_unavailable'],
    ['a "valid" that is text', 200, { valid: 'true' }, 'auth_unavailable'],
    ['a limit of 0', 200, { ...VALID, rateLimit: { requests: 0, window: 1 } }, 'auth_unavailable'],
    ['a yes with status 400', 400, VALID, 'auth_unavailable'],
    ['a no with status 401', 401, { valid: false }, 'key_refused'],
    ['words of its own with status 401', 401, { message: 'Invalid API key' }, 'key_refused'],
    ['status 429', 429, VALID, 'auth_unavailable'],
    ['status 302', 302, VALID, 'auth_unavailable'],
    ['status 503', 503, VALID, 'auth_unavailable'],
  ])('does not take %s for a yes', async (_what, status, answer, outcome) => {
    const { peer, passes } = setUp();
    Object.assign(peer, { status, answer });
    expect(await passes()).toBe(outcome);
  });

  it('keeps at most 32 scopes, and ours among them', async () => {
    const { peer, validate } = setUp();
    const many = Array.from({ length: 500 }, (_, index) => `scope${index}`);
    peer.answer = { valid: true, scopes: [...many, 'x'.repeat(1000), 'stt'] };
    const result = await validate(KEY);
    expect(result.ok && result.value.scopes).toHaveLength(32);
    expect(result.ok && result.value.scopes[0]).toBe('stt');
  });
});
