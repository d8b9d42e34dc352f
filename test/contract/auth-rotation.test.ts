import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticateFromSettings } from '#shared/auth/create-authenticate.ts';
import { loadAuthSettings } from '#shared/auth/settings.ts';
import { type ManaAuth, startManaAuth } from '#test/support/mana-auth.ts';

let manaAuth: ManaAuth;
beforeAll(async () => {
  manaAuth = await startManaAuth();
});
afterAll(() => manaAuth.close());

function setUp() {
  const clock = { aheadMs: 0 };
  const authenticate = authenticateFromSettings(loadAuthSettings({ MANA_AUTH_URL: manaAuth.url }), {
    access: 'required',
    fetch,
    now: () => Date.now() + clock.aheadMs,
  });
  const seen = async (token: string) => {
    const headers = new Headers({ authorization: `Bearer ${token}` });
    const outcome = await authenticate({ method: 'GET', url: 'http://x.test/', headers });
    return outcome.ok ? outcome.value.principal.id : outcome.error;
  };
  return { clock, seen };
}

describe('tokens of Better Auth', () => {
  it('are accepted for the person who signed up', async () => {
    const { seen } = setUp();
    const { token, userId } = await manaAuth.signUp();
    expect(await seen(token)).toBe(`user:${userId}`);
  });

  it('are accepted after its key was changed, old ones no longer', async () => {
    const { clock, seen } = setUp();
    const old = await manaAuth.signUp();
    await seen(old.token);
    await manaAuth.rotateKeys();
    const { token, userId } = await manaAuth.signUp();
    const unknown = { kind: 'token_refused', fault: 'unknown_key_id' };
    expect(await seen(token)).toEqual(unknown);
    clock.aheadMs = 30_000;
    expect(await seen(token)).toBe(`user:${userId}`);
    expect(await seen(old.token)).toEqual(unknown);
  });

  it('end after their 15 minutes', async () => {
    const { clock, seen } = setUp();
    const { token } = await manaAuth.signUp();
    clock.aheadMs = 15 * 60_000 + 31_000;
    expect(await seen(token)).toEqual({ kind: 'token_refused', fault: 'expired' });
  });
});
