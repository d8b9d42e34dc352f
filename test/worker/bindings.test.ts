import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { readBindings } from '#edge-worker/bindings.ts';

const read = (variables: Record<string, unknown>) =>
  readBindings({ ...env, API_KEYS: 'sk-test:test', ...variables });

function faultsOf(variables: Record<string, unknown>): readonly string[] {
  const config = read(variables);
  return config.ok ? [] : config.error;
}

describe('readBindings', () => {
  it('reads wrangler.toml as it is', () => {
    const config = read({});
    expect(config).toMatchObject({
      ok: true,
      value: { maxUploadBytes: 104_857_600, corsOrigins: [], access: null },
    });
    expect(config.ok && config.value.origins.map(({ name }) => name)).toEqual(['local']);
  });

  it('calls an origin without a name by its host', () => {
    const config = read({ ORIGINS: 'https://a.example, gpu=https://b.example:8443' });
    expect(config.ok && config.value.origins).toMatchObject([
      { name: 'a.example', url: new URL('https://a.example') },
      { name: 'gpu', url: new URL('https://b.example:8443') },
    ]);
  });

  it.each([
    '',
    'ftp://a.example',
    'http://a.example',
    'https://a.example/path',
    'https://user:secret@a.example',
    'a=https://a.example,a=https://b.example',
    'not an address',
    Array.from({ length: 21 }, (_, index) => `https://o${index}.example`).join(','),
  ])('refuses the origins %j', (ORIGINS) => {
    expect(faultsOf({ ORIGINS })).toEqual([expect.stringMatching(/^ORIGINS: /)]);
  });

  it('wants both halves of the service token', () => {
    expect(faultsOf({ CF_ACCESS_CLIENT_ID: 'a' })).toHaveLength(1);
    expect(faultsOf({ CF_ACCESS_CLIENT_ID: 'a', CF_ACCESS_CLIENT_SECRET: '' })).toHaveLength(1);
    const config = read({ CF_ACCESS_CLIENT_ID: 'a', CF_ACCESS_CLIENT_SECRET: 'b' });
    expect(config.ok && config.value.access).toEqual({ clientId: 'a', clientSecret: 'b' });
  });

  it('needs a credential, or to be told that everyone may come in', () => {
    expect(faultsOf({ API_KEYS: '' })).toEqual([expect.stringMatching(/^API_KEYS: /)]);
    const open = read({ API_KEYS: '', REQUIRE_AUTH: 'false' });
    expect(open.ok && open.value.auth.access).toBe('open');
  });

  it('trusts no assertion, even when it is given public keys', () => {
    const config = read({ EDGE_ASSERTION_PUBLIC_KEYS: 'anything' });
    expect(config.ok && config.value.auth.settings.assertionPublicKeys).toEqual([]);
  });

  it('names faults of authentication without the secret', () => {
    const faults = faultsOf({ API_KEYS: 'hunter2', RATE_LIMIT_REQUESTS: '0' });
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('names every fault at once, and no secret', () => {
    const faults = faultsOf({ ORIGINS: 'https://u:hunter2@a', MAX_UPLOAD_MB: '0', UPLOADS: {} });
    expect(faults).toHaveLength(3);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('knows no Mistral without a key, and its own address with one', () => {
    const without = read({ MISTRAL_API_KEY: '' });
    expect(without.ok && without.value.mistral).toBeNull();
    const config = read({ MISTRAL_API_KEY: 'k', MISTRAL_TIMEOUT: '30' });
    expect(config).toMatchObject({
      ok: true,
      value: {
        mistral: { apiKey: 'k', baseUrl: null, timeoutMs: 30_000 },
        isFallbackEnabled: true,
      },
    });
  });

  it.each(['http://127.0.0.1:9', 'https://mistral.example'])('takes %s for Mistral', (address) => {
    const config = read({ MISTRAL_API_KEY: 'k', MISTRAL_BASE_URL: address });
    expect(config.ok && config.value.mistral?.baseUrl).toBe(address);
  });

  it.each([
    ['MISTRAL_BASE_URL', 'http://mistral.example'],
    ['MISTRAL_BASE_URL', 'https://mistral.example/v1'],
    ['MISTRAL_BASE_URL', 'https://a:b@mistral.example'],
    ['MISTRAL_TIMEOUT', '0'],
    ['API_FALLBACK_ENABLED', 'maybe'],
    ['MISTRAL_API_KEY', 'two words-of-a-secret'],
    ['MISTRAL_API_KEY', 'line\nwords-of-a-secret'],
  ])('refuses %s=%j without repeating a secret', (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name}: `))]);
    expect(faults.join()).not.toContain('words-of-a-secret');
  });

  it.each(['false', 'off', '0'])('switches the fallback off with %s', (API_FALLBACK_ENABLED) => {
    const config = read({ API_FALLBACK_ENABLED });
    expect(config.ok && config.value.isFallbackEnabled).toBe(false);
  });
});
