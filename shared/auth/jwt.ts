/** Tokens of people, signed by mana-auth (Better Auth with its jwt plugin): token → `Principal`. */
import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import type { AuthFailure, TokenFault } from '#shared/auth/auth-failure.ts';
import type { FindKey, KeyFault } from '#shared/auth/jwks.ts';
import type { Principal, RateLimit } from '#shared/auth/principal.ts';
import { boundScopes, STT_SCOPE } from '#shared/auth/scopes.ts';
import { toTokenFault } from '#shared/auth/token-faults.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface JwtOptions {
  readonly findKey: FindKey;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly audience: string;
  /** Taken with and without a slash at the end. */
  readonly issuer: string;
  readonly defaultRateLimit: RateLimit | null;
  /** By the claim `tier`; other tiers have the default. */
  readonly tierRateLimits: ReadonlyMap<string, RateLimit>;
}

/** Whose token it is. */
export type VerifyJwt = (token: string) => Promise<Result<Principal, JwtFailure>>;

export type JwtFailure = Extract<AuthFailure, { kind: 'token_refused' | 'auth_unavailable' }>;

/** Whether it has the form of a JWS: three parts of base64url. An API key has no dots. */
export function looksLikeJwt(credential: string): boolean {
  return /^[\w-]*\.[\w-]*\.[\w-]*$/.test(credential);
}

/** Makes the verification. */
export function createJwtVerifier(options: JwtOptions): VerifyJwt {
  return async function verifyJwt(token) {
    const fault = judgeHeader(token);
    if (fault !== null) {
      return fail({ kind: 'token_refused', fault });
    }
    try {
      const { payload } = await verify(token, options);
      const claims = Claims.safeParse(payload);
      return claims.success
        ? ok(toPrincipal(claims.data, options))
        : fail({ kind: 'token_refused', fault: 'claims' });
    } catch (error) {
      if (error instanceof KeyNotFound) {
        const { found } = error;
        return found.kind === 'auth_unavailable'
          ? fail(found)
          : fail({ kind: 'token_refused', fault: found.kind });
      }
      return fail({ kind: 'token_refused', fault: toTokenFault(error) });
    }
  };
}

/**
 * Public-key algorithms only. A list that held HS256 too would take a token that somebody signed with the bytes of
 * the public key (RFC 8725 §2.1).
 */
const ALGORITHMS = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];

const CLOCK_TOLERANCE_SECONDS = 30;

/** Ids, thumbprints and names; nothing that could be a path or an address. */
const KEY_ID = /^(?!.*\.\.)[\w.:=+-]{1,128}$/;

/** Before any key is fetched: nobody makes us ask mana-auth by sending nonsense. */
function judgeHeader(token: string): TokenFault | null {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (alg === undefined || !ALGORITHMS.includes(alg)) {
      return 'algorithm';
    }
    return typeof kid === 'string' && KEY_ID.test(kid) ? null : 'key_id';
  } catch (error) {
    return toTokenFault(error);
  }
}

async function verify(token: string, options: JwtOptions): Promise<{ payload: JWTPayload }> {
  const issuer = options.issuer.replace(/\/$/, '');
  return await jwtVerify(
    token,
    async (header, input) => {
      const key = await options.findKey(header, input);
      if (!key.ok) {
        throw new KeyNotFound(key.error);
      }
      return key.value;
    },
    {
      algorithms: ALGORITHMS,
      audience: options.audience,
      issuer: [issuer, `${issuer}/`],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'sub'],
      currentDate: new Date(options.now()),
    },
  );
}

/** Carries a `KeyFault` through jose. */
class KeyNotFound extends Error {
  readonly found: KeyFault;

  constructor(found: KeyFault) {
    super(found.kind);
    this.found = found;
  }
}

const word = z.string().regex(/^[\w.:-]{1,64}$/);

const Claims = z.object({
  sub: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  /** A session's id; only its form is checked, since a session that ended lives on in its token until `exp`. */
  sid: z.string().max(128).nullish(),
  role: word.nullish(),
  tier: word.nullish(),
  /** OAuth's form of scopes, separated by spaces (RFC 8693 §4.2). */
  scope: z.string().nullish(),
  scopes: z.array(z.string()).nullish(),
});

/** The e-mail address stays out of it: a principal is logged and stored with jobs. */
function toPrincipal(claims: z.infer<typeof Claims>, options: JwtOptions): Principal {
  const { sub, role, tier, scope, scopes } = claims;
  const named = scopes ?? scope?.split(' ').filter((part) => part !== '');
  const tierLimit = tier ? options.tierRateLimits.get(tier) : undefined;
  return {
    kind: 'user',
    id: `user:${sub}`,
    name: sub,
    // A token that lists scopes has those; one without a list is a person's session, which may do what people may.
    scopes: boundScopes([...(role ? [`role:${role}`] : []), ...(named ?? [STT_SCOPE])]),
    rateLimit: tierLimit ?? options.defaultRateLimit,
  };
}
