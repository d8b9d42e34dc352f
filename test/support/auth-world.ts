/** What the conformance cases of authentication act in: settings, mana-auth and whatever a forger needs. */
import { type AssertionKeyPair, generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { createAssertionSigner, type SignAssertion } from '#shared/auth/edge-assertion.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { type ManaAuth, startManaAuth } from '#test/support/mana-auth.ts';

export interface AuthWorld {
  readonly manaAuth: ManaAuth;
  readonly edgeKeys: AssertionKeyPair;
  readonly signAsEdge: SignAssertion;
  /** Settings with everything configured. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
  close(): Promise<void>;
}

export const KEYS = {
  app1: 'sk-app1',
  app2: 'sk-app2',
  internal: 'sk-internal-test',
  live: 'sk_live_good',
  liveWithoutScope: 'sk_live_tts_only',
  livePlain: 'sk_live_plain',
  liveRefused: 'sk_live_refused',
  liveStrange: 'sk_live_strange',
} as const;

export const ORIGIN_NAME = 'origin-under-test';

/** Somebody the edge vouches for. */
export const EDGE_USER: Principal = {
  kind: 'user',
  id: 'user:from-the-edge',
  name: 'from-the-edge',
  scopes: ['stt'],
  rateLimit: { requests: 60, windowSeconds: 60 },
};

/** Whoever makes it closes it. */
export async function createAuthWorld(): Promise<AuthWorld> {
  const manaAuth = await startManaAuth();
  manaAuth.keys.set(KEYS.live, {
    valid: true,
    userId: 'user-7',
    scopes: ['stt', 'tts'],
    rateLimit: { requests: 5, window: 10 },
  });
  manaAuth.keys.set(KEYS.liveWithoutScope, { valid: true, userId: 'user-8', scopes: ['tts'] });
  manaAuth.keys.set(KEYS.livePlain, { valid: true });
  manaAuth.keys.set(KEYS.liveStrange, { valid: 'true', userId: 'user-9', scopes: ['stt'] });
  const edgeKeys = await generateAssertionKeys();
  return {
    manaAuth,
    edgeKeys,
    signAsEdge: createAssertionSigner({
      privateKey: JSON.parse(edgeKeys.privateKey),
      audience: ORIGIN_NAME,
      now: Date.now,
    }),
    env: {
      API_KEYS: `${KEYS.app1}:app1,${KEYS.app2}:app2`,
      INTERNAL_API_KEY: KEYS.internal,
      MANA_CORE_AUTH_URL: manaAuth.url,
      MANA_AUTH_URL: manaAuth.url,
      TIER_RATE_LIMITS: 'pro=600/60',
      EDGE_ASSERTION_PUBLIC_KEYS: edgeKeys.publicKey,
      EDGE_ASSERTION_AUDIENCE: ORIGIN_NAME,
    },
    nowSeconds: () => Math.floor(Date.now() / 1000),
    close: () => manaAuth.close(),
  };
}
