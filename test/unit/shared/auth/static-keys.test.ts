import { describe, expect, it } from 'vitest';
import { createStaticKeys, parseApiKeys } from '#shared/auth/static-keys.ts';

describe('parseApiKeys', () => {
  it('reads the form of the contract', () => {
    expect(parseApiKeys('sk-app1:app1,sk-app2:app2')).toEqual({
      ok: true,
      value: [
        { key: 'sk-app1', name: 'app1' },
        { key: 'sk-app2', name: 'app2' },
      ],
    });
  });

  it('ignores spaces around, and commas without an entry', () => {
    expect(parseApiKeys(' sk-app1 : app1 ,, ')).toEqual({
      ok: true,
      value: [{ key: 'sk-app1', name: 'app1' }],
    });
  });

  it('lets two keys have one name, so that a key can be changed', () => {
    expect(parseApiKeys('sk-old1:app,sk-new1:app').ok).toBe(true);
  });

  it.each([
    ['no name', 'sk-secret-1', /entry 1 has no name/],
    ['an empty name', 'sk-secret-1:', /entry 1 has no name/],
    ['no key', 'sk-app1:app1,:app2', /entry 2 has a key/],
    ['a short key', 'sk-1:app', /6 to 512/],
    ['a space in a key', 'sk-sec ret:app', /visible ASCII/],
    ['a second colon', 'sk-secret:app:x', /name that cannot/],
    ['a line break in a name', 'sk-secret:a\nb', /name that cannot/],
    ['one key with two names', 'sk-secret:a,sk-secret:b', /entry 2 repeats the key of entry 1/],
  ])('refuses %s without repeating the key', (_what, text, message) => {
    const parsed = parseApiKeys(text);
    expect(parsed.ok ? '' : parsed.error.join()).toMatch(message);
    expect(parsed.ok ? '' : parsed.error.join()).not.toMatch(/secret/);
  });

  it('tells every fault at once', () => {
    const parsed = parseApiKeys('sk-app1,sk-app2:app2,x:y');
    expect(parsed.ok ? [] : parsed.error).toHaveLength(2);
  });

  it('refuses more than 1000 keys', () => {
    const text = Array.from({ length: 1001 }, (_, index) => `sk-key-${index}:app`).join();
    expect(parseApiKeys(text).ok).toBe(false);
  });
});

describe('createStaticKeys', () => {
  const limit = { requests: 60, windowSeconds: 60 };
  const find = createStaticKeys({
    internalApiKey: 'sk-internal',
    apiKeys: [
      { key: 'sk-app1', name: 'app1' },
      { key: 'sk-app2', name: 'app2' },
    ],
    defaultRateLimit: limit,
  });

  it('knows an app by its key, with the default limit', async () => {
    expect(await find('sk-app2')).toEqual({
      kind: 'local-key',
      id: 'key:app2',
      name: 'app2',
      scopes: ['stt'],
      rateLimit: limit,
    });
  });

  it('gives the internal key no limit', async () => {
    expect(await find('sk-internal')).toMatchObject({ kind: 'internal', rateLimit: null });
  });

  it.each(['', 'sk-app', 'sk-app11', 'SK-APP1', 'sk-app1\0', 'constructor'])(
    'does not know %j',
    async (key) => {
      expect(await find(key)).toBeNull();
    },
  );

  it('knows nobody when nothing is configured', async () => {
    const none = createStaticKeys({ internalApiKey: null, apiKeys: [], defaultRateLimit: null });
    expect(await none('')).toBeNull();
  });
});
