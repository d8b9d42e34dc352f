import type { Access } from '#shared/auth/access.ts';
import { type Authenticate, createAuthenticate } from '#shared/auth/authenticate.ts';
import { createAssertionVerifier } from '#shared/auth/edge-assertion.ts';
import type { FetchLike } from '#shared/auth/fetch-json.ts';
import { createJwks } from '#shared/auth/jwks.ts';
import { createJwtVerifier, type VerifyJwt } from '#shared/auth/jwt.ts';
import { createManaAuth } from '#shared/auth/mana-auth.ts';
import { createReplayGuard, type ReplayGuard } from '#shared/auth/replay-guard.ts';
import type { AuthSettings } from '#shared/auth/settings.ts';
import { createStaticKeys } from '#shared/auth/static-keys.ts';

/** What the chain needs of the place where it runs. */
export interface AuthRuntime {
  readonly access: Access;
  readonly fetch: FetchLike;
  /** Milliseconds since 1970, as `Date.now`. */
  readonly now: () => number;
  /** Default: in memory. */
  readonly replays?: ReplayGuard;
  /** Of one request to mana-auth. Default 5000. */
  readonly timeoutMs?: number;
}

/** Builds the chain that the settings describe. Make it once: it holds the caches. */
export function authenticateFromSettings(
  settings: AuthSettings,
  runtime: AuthRuntime,
): Authenticate {
  const { now } = runtime;
  const { defaultRateLimit, manaCoreAuthUrl, assertionPublicKeys } = settings;
  return createAuthenticate({
    access: runtime.access,
    findStaticKey: createStaticKeys(settings),
    validateKey:
      manaCoreAuthUrl === null
        ? null
        : createManaAuth({ ...settings, ...runtime, baseUrl: manaCoreAuthUrl }),
    verifyJwt: jwtFromSettings(settings, runtime),
    verifyAssertion:
      assertionPublicKeys.length === 0
        ? null
        : createAssertionVerifier({
            publicKeys: assertionPublicKeys,
            audience: settings.assertionAudience,
            now,
            replays: runtime.replays ?? createReplayGuard({ now }),
          }),
    anonymousRateLimit: defaultRateLimit,
  });
}

function jwtFromSettings(settings: AuthSettings, runtime: AuthRuntime): VerifyJwt | null {
  const { manaAuthUrl, jwtIssuer } = settings;
  if (manaAuthUrl === null || jwtIssuer === null) {
    return null;
  }
  return createJwtVerifier({
    ...settings,
    findKey: createJwks({ ...runtime, url: `${manaAuthUrl}/api/auth/jwks` }),
    now: runtime.now,
    audience: settings.jwtAudience,
    issuer: jwtIssuer,
  });
}
