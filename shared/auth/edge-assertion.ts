/**
 * How the edge tells the origin who is calling: a JWS (Ed25519, a key pair of its own) in `X-Mana-Assertion`.
 *
 * Bound to the request: method, path and query, `X-Request-Id`, `Content-Type` and, where known, `Content-Length`. The
 * bytes of the body are not: they stream, so the headers are gone before the edge has seen the last of them, and `fetch`
 * can send no trailer. The boundary inside `Content-Type` is drawn anew for every form, the id counts once and the
 * assertion lives a minute, so a thief could at most put another body into the very request that he stopped, and for
 * that he has to sit inside the tunnel.
 */
import {
  type CryptoKey,
  calculateJwkThumbprint,
  createLocalJWKSet,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import {
  type AssertedRequest,
  AssertionClaims,
  bindRequest,
  isSameRequest,
} from '#shared/auth/assertion-claims.ts';
import type { AssertionFault } from '#shared/auth/auth-failure.ts';
import type { Principal } from '#shared/auth/principal.ts';
import type { ReplayGuard } from '#shared/auth/replay-guard.ts';
import { toTokenFault } from '#shared/auth/token-faults.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** The header that carries it. */
export const ASSERTION_HEADER = 'x-mana-assertion';

export interface AssertionSignerOptions {
  /** Ed25519, with `d`. */
  readonly privateKey: JWK;
  /** The origin's name; every origin has its own. */
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** 1 to 60. Default 60. */
  readonly lifetimeSeconds?: number;
}

/** Signs for exactly this request, which must have its final headers and an `X-Request-Id`. */
export type SignAssertion = (principal: Principal, request: AssertedRequest) => Promise<string>;

/**
 * Makes the edge's half.
 * @throws Error when a request has no `X-Request-Id` (or one that is too long), or the key is not Ed25519
 */
export function createAssertionSigner(options: AssertionSignerOptions): SignAssertion {
  const { privateKey, audience, now, lifetimeSeconds = MAX_LIFETIME_SECONDS } = options;
  let loaded: Promise<{ key: CryptoKey; kid: string }> | null = null;
  return async function signAssertion(principal, request) {
    loaded ??= loadPrivateKey(privateKey);
    const { key, kid } = await loaded;
    const req = bindRequest(request);
    if (req === null) {
      throw new Error('An assertion needs a request with an X-Request-Id of 1 to 128 characters.');
    }
    const issuedSeconds = Math.floor(now() / 1000);
    return await new SignJWT({ principal, req })
      .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setSubject(principal.id)
      .setJti(crypto.randomUUID())
      .setIssuedAt(issuedSeconds)
      .setExpirationTime(issuedSeconds + Math.min(lifetimeSeconds, MAX_LIFETIME_SECONDS))
      .sign(key);
  };
}

export interface AssertionVerifierOptions {
  /** Ed25519, one or, while they are changed, several. */
  readonly publicKeys: readonly JWK[];
  /** This origin's name. */
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly replays: ReplayGuard;
}

/** Whom the edge vouches for. Each assertion counts once. */
export type VerifyAssertion = (
  assertion: string,
  request: AssertedRequest,
) => Promise<Result<Principal, AssertionFault>>;

/** Makes the origin's half. */
export function createAssertionVerifier(options: AssertionVerifierOptions): VerifyAssertion {
  let keys: Promise<ReturnType<typeof createLocalJWKSet>> | null = null;
  return async function verifyAssertion(assertion, request) {
    if (assertion.length > MAX_ASSERTION_CHARACTERS) {
      return fail('malformed');
    }
    keys ??= loadPublicKeys(options.publicKeys);
    const claims = await readClaims(assertion, { ...options, keys: await keys });
    if (!claims.ok) {
      return claims;
    }
    const { jti, iat, exp, req, principal } = claims.value;
    if (exp - iat > MAX_LIFETIME_SECONDS) {
      return fail('lifetime');
    }
    const found = bindRequest(request);
    if (found === null || !isSameRequest(req, found)) {
      return fail('another_request');
    }
    const taken = options.replays.take(jti, {
      issuedMs: iat * 1000,
      expiresMs: (exp + CLOCK_TOLERANCE_SECONDS) * 1000,
    });
    return taken === 'fresh' ? ok(principal) : fail(REPLAY_FAULTS[taken]);
  };
}

const REPLAY_FAULTS = {
  full: 'too_many_assertions',
  replayed: 'replayed',
  too_old: 'before_start',
} as const;

const ISSUER = 'mana-stt-edge';
/** Says what kind of token it is, so that none of another kind is ever taken for one (RFC 8725 §3.11). */
const TYPE = 'mana-edge+jwt';
const MAX_LIFETIME_SECONDS = 60;
/** Two machines that both ask NTP differ by less than a second; this is for one that lost it a while ago. */
const CLOCK_TOLERANCE_SECONDS = 10;
const MAX_ASSERTION_CHARACTERS = 12_288;

async function loadPrivateKey(jwk: JWK): Promise<{ key: CryptoKey; kid: string }> {
  const key = await importJWK(jwk, 'EdDSA');
  if (key instanceof Uint8Array || key.type !== 'private') {
    throw new Error('The key of the edge must be a private Ed25519 key.');
  }
  return { key, kid: await calculateJwkThumbprint(jwk) };
}

/** The kid is the thumbprint (RFC 7638) whatever the settings say, so the two sides cannot disagree. */
async function loadPublicKeys(jwks: readonly JWK[]): Promise<ReturnType<typeof createLocalJWKSet>> {
  const keys = await Promise.all(
    jwks.map(async ({ kty, crv, x }) => {
      const jwk = { kty, crv, x } as JWK;
      return { ...jwk, kid: await calculateJwkThumbprint(jwk) };
    }),
  );
  return createLocalJWKSet({ keys });
}

async function readClaims(
  assertion: string,
  tools: AssertionVerifierOptions & { readonly keys: ReturnType<typeof createLocalJWKSet> },
): Promise<Result<AssertionClaims, AssertionFault>> {
  try {
    const { payload } = await jwtVerify(assertion, tools.keys, {
      algorithms: ['EdDSA'],
      typ: TYPE,
      issuer: ISSUER,
      audience: tools.audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: MAX_LIFETIME_SECONDS,
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
      currentDate: new Date(tools.now()),
    });
    const claims = AssertionClaims.safeParse(payload);
    const isWhole = claims.success && claims.data.principal.id === payload.sub;
    return isWhole ? ok(claims.data) : fail('claims');
  } catch (error) {
    return fail(toTokenFault(error));
  }
}
