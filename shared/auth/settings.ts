/** Every environment variable of authentication, the same at the edge and at the origin. */
import type { JWK } from 'jose';
import { z } from 'zod';
import { parsePrivateKey, parsePublicKeys } from '#shared/auth/assertion-keys.ts';
import type { RateLimit } from '#shared/auth/principal.ts';
import { authUrl, internalKey, tierLimits, whole, yesOrNo } from '#shared/auth/setting-types.ts';
import { type NamedKey, parseApiKeys } from '#shared/auth/static-keys.ts';

/** In our own names. `null`: not configured. */
export interface AuthSettings {
  /** `null`: nobody said anything; see `access.ts`. */
  readonly requireAuth: boolean | null;
  readonly internalApiKey: string | null;
  readonly apiKeys: readonly NamedKey[];
  /** Without a slash at the end, like the other addresses. */
  readonly manaCoreAuthUrl: string | null;
  readonly manaAuthUrl: string | null;
  readonly staleGraceSeconds: number;
  readonly jwtAudience: string;
  /** `null` exactly when `manaAuthUrl` is. */
  readonly jwtIssuer: string | null;
  readonly defaultRateLimit: RateLimit;
  readonly tierRateLimits: ReadonlyMap<string, RateLimit>;
  readonly assertionPrivateKey: JWK | null;
  readonly assertionPublicKeys: readonly JWK[];
  readonly assertionAudience: string;
}

/** Settings that cannot be used. The message names every one of them and no secret. */
export class AuthSettingsError extends Error {
  override readonly name = 'AuthSettingsError';
}

/** Variables whose values are never repeated, not even when they cannot be read. */
export const SECRET_AUTH_VARIABLES: readonly string[] = [
  'API_KEYS',
  'INTERNAL_API_KEY',
  'EDGE_ASSERTION_PRIVATE_KEY',
];

/** The variables by name, to be spread into the schema of an app. Values are text. */
export const AuthEnvironment = z.object({
  REQUIRE_AUTH: yesOrNo
    .optional()
    .describe(
      '`false` lets everyone in (a trusted LAN); a good key still counts. Unset: as `true`, except that without any key the origin listens on this machine only and asks for none.',
    ),
  API_KEYS: z
    .string()
    .transform((text, context) => {
      const keys = parseApiKeys(text);
      if (!keys.ok) {
        context.addIssue({ code: 'custom', message: keys.error.join('; ') });
        return z.NEVER;
      }
      return keys.value;
    })
    .optional()
    .describe('Keys of apps: `KEY:NAME,KEY:NAME`. Apps with the same name share one limit.'),
  INTERNAL_API_KEY: internalKey
    .optional()
    .describe('Key of our own machines: no rate limit, and opens /metrics from everywhere.'),
  MANA_CORE_AUTH_URL: authUrl
    .optional()
    .describe('Address of mana-auth for keys that start with `sk_live_`. Unset: none is accepted.'),
  MANA_AUTH_STALE_GRACE: whole(0, 86_400)
    .default(3600)
    .describe(
      'Seconds that a key which mana-auth has accepted keeps working beyond its 300 s in the cache while mana-auth is down; 0 turns it off.',
    ),
  MANA_AUTH_URL: authUrl
    .optional()
    .describe('Address of Better Auth, whose tokens people send. Unset: no token is accepted.'),
  JWT_AUDIENCE: z.string().max(256).default('mana').describe('`aud` of those tokens.'),
  JWT_ISSUER: z
    .string()
    .max(256)
    .optional()
    .describe('`iss` of those tokens. Unset: MANA_AUTH_URL.'),
  RATE_LIMIT_REQUESTS: whole(1, 1_000_000)
    .default(60)
    .describe('Requests in one window for everyone who has no limit of their own.'),
  RATE_LIMIT_WINDOW: whole(1, 86_400).default(60).describe('The window, in seconds.'),
  TIER_RATE_LIMITS: tierLimits
    .default(new Map())
    .describe(
      'Limits by the `tier` of a token: `free=60/60,pro=600/60` (requests/seconds). Other tiers have the default.',
    ),
  EDGE_ASSERTION_PRIVATE_KEY: z
    .string()
    .transform((text, context) => unwrap(parsePrivateKey(text), context))
    .optional()
    .describe('At the edge: Ed25519 key (JWK) that signs who is calling.'),
  EDGE_ASSERTION_PUBLIC_KEYS: z
    .string()
    .transform((text, context) => unwrap(parsePublicKeys(text), context))
    .optional()
    .describe(
      'At the origin: public half (JWK, or an array while it is changed). Unset: the origin trusts no edge.',
    ),
  EDGE_ASSERTION_AUDIENCE: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, 'write a name without spaces')
    .default('mana-stt-origin')
    .describe(
      'Name of the origin in assertions, the same on both sides. With several origins each has one of its own, so that what was signed for one is worth nothing at another: at the origin here, at the edge as `;audience=NAME` of its entry in ORIGINS. At the edge this is the name for entries without one.',
    ),
});

/**
 * Reads the settings from the environment. Other variables are ignored, empty ones count as absent.
 * @throws AuthSettingsError listing every fault
 */
export function loadAuthSettings(
  environment: Readonly<Record<string, string | undefined>>,
): AuthSettings {
  const given = Object.entries(environment).filter(
    ([name, value]) => name in AuthEnvironment.shape && (value ?? '').trim() !== '',
  );
  const parsed = AuthEnvironment.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => describeFault(issue, environment));
    throw new AuthSettingsError(`These settings cannot be used:\n${faults.join('\n')}`);
  }
  return toAuthSettings(parsed.data);
}

/**
 * For an app that has spread `AuthEnvironment` into its own schema.
 * @throws AuthSettingsError when the internal key is also the key of an app
 */
export function toAuthSettings(env: z.output<typeof AuthEnvironment>): AuthSettings {
  const apiKeys = env.API_KEYS ?? [];
  if (apiKeys.some(({ key }) => key === env.INTERNAL_API_KEY)) {
    throw new AuthSettingsError(
      'These settings cannot be used:\n  INTERNAL_API_KEY=(hidden): API_KEYS has the same key; give the app one of its own',
    );
  }
  return {
    requireAuth: env.REQUIRE_AUTH ?? null,
    internalApiKey: env.INTERNAL_API_KEY ?? null,
    apiKeys,
    manaCoreAuthUrl: env.MANA_CORE_AUTH_URL ?? null,
    manaAuthUrl: env.MANA_AUTH_URL ?? null,
    staleGraceSeconds: env.MANA_AUTH_STALE_GRACE,
    jwtAudience: env.JWT_AUDIENCE,
    jwtIssuer: env.MANA_AUTH_URL === undefined ? null : (env.JWT_ISSUER ?? env.MANA_AUTH_URL),
    defaultRateLimit: { requests: env.RATE_LIMIT_REQUESTS, windowSeconds: env.RATE_LIMIT_WINDOW },
    tierRateLimits: env.TIER_RATE_LIMITS,
    assertionPrivateKey: env.EDGE_ASSERTION_PRIVATE_KEY ?? null,
    assertionPublicKeys: env.EDGE_ASSERTION_PUBLIC_KEYS ?? [],
    assertionAudience: env.EDGE_ASSERTION_AUDIENCE,
  };
}

function unwrap<Value>(
  result: { ok: true; value: Value } | { ok: false; error: string },
  context: z.core.$RefinementCtx,
): Value {
  if (result.ok) {
    return result.value;
  }
  context.addIssue({ code: 'custom', message: result.error });
  return z.NEVER;
}

function describeFault(
  issue: z.core.$ZodIssue,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const name = String(issue.path[0]);
  const isSecret = SECRET_AUTH_VARIABLES.includes(name) || name.startsWith('EDGE_ASSERTION_P');
  // An address may hold a password, which is what it is refused for.
  const isAddress = name.endsWith('_URL');
  const value = (environment[name] ?? '').slice(0, 100);
  return `  ${name}=${isSecret || isAddress ? '(hidden)' : `"${value}"`}: ${issue.message}`;
}
