import { describe, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { loadAuthSettings } from '#shared/auth/settings.ts';

describe('loadAuthSettings', () => {
  it('has the defaults of the contract', () => {
    expect(loadAuthSettings({})).toEqual({
      requireAuth: null,
      internalApiKey: null,
      apiKeys: [],
      manaCoreAuthUrl: null,
      manaAuthUrl: null,
      staleGraceSeconds: 3600,
      jwtAudience: 'mana',
      jwtIssuer: null,
      defaultRateLimit: { requests: 60, windowSeconds: 60 },
      tierRateLimits: new Map(),
      assertionPrivateKey: null,
      assertionPublicKeys: [],
      assertionAudience: 'mana-stt-origin',
    });
  });

  it('reads every variable', async () => {
    const { privateKey, publicKey } = await generateAssertionKeys();
    const settings = loadAuthSettings({
      REQUIRE_AUTH: 'On',
      API_KEYS: 'sk-app1:app1',
      INTERNAL_API_KEY: 'sk-internal-dev',
      MANA_CORE_AUTH_URL: 'http://core.test:3001/',
      MANA_AUTH_URL: 'https://auth.test',
      TIER_RATE_LIMITS: 'free=10/60, pro=600/3600',
      EDGE_ASSERTION_PRIVATE_KEY: privateKey,
      EDGE_ASSERTION_PUBLIC_KEYS: publicKey,
      EDGE_ASSERTION_AUDIENCE: 'origin-1',
      PATH: '/bin',
    });
    expect(settings).toMatchObject({
      requireAuth: true,
      apiKeys: [{ key: 'sk-app1', name: 'app1' }],
      manaCoreAuthUrl: 'http://core.test:3001',
      jwtIssuer: 'https://auth.test',
      assertionPrivateKey: JSON.parse(privateKey),
      assertionPublicKeys: [JSON.parse(publicKey)],
    });
    expect(settings.tierRateLimits.get('pro')).toEqual({ requests: 600, windowSeconds: 3600 });
  });

  it('counts empty variables as absent', () => {
    expect(loadAuthSettings({ API_KEYS: ' ', MANA_AUTH_URL: '' }).apiKeys).toEqual([]);
  });

  it('tells every fault at once and hides what is secret', () => {
    const faulty = {
      REQUIRE_AUTH: 'maybe',
      API_KEYS: 'topsecret1',
      INTERNAL_API_KEY: 'topsec2',
      MANA_CORE_AUTH_URL: 'https://user:topsecret3@auth.test',
      MANA_AUTH_URL: 'ftp://auth.test',
      RATE_LIMIT_REQUESTS: '-1',
      TIER_RATE_LIMITS: 'pro:5',
      EDGE_ASSERTION_PRIVATE_KEY: '{"d":"topsecret4"}',
      EDGE_ASSERTION_PUBLIC_KEYS: '{"kty":"OKP","d":"topsecret5"}',
    };
    let message = '';
    try {
      loadAuthSettings(faulty);
    } catch (error) {
      message = String(error);
    }
    for (const name of Object.keys(faulty)) {
      expect(message).toContain(`${name}=`);
    }
    expect(message).not.toContain('topsec');
  });

  it('refuses an internal key that is also the key of an app', () => {
    const env = { API_KEYS: 'sk-same-key:app', INTERNAL_API_KEY: 'sk-same-key' };
    expect(() => loadAuthSettings(env)).toThrow('one of its own');
  });

  it.each(['auth.test', 'https://auth.test/?a=1', 'https://auth.test/#x', 'javascript:alert(1)'])(
    'refuses %s as an address',
    (url) => {
      expect(() => loadAuthSettings({ MANA_AUTH_URL: url })).toThrow('MANA_AUTH_URL');
    },
  );
});
