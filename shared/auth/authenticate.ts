/** The chain: assertion of the edge → internal key → keys of the settings → keys of mana-auth → tokens of people. */
import { type Access, findForeignSign } from '#shared/auth/access.ts';
import type { AssertedRequest } from '#shared/auth/assertion-claims.ts';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import { readCredential } from '#shared/auth/credentials.ts';
import { ASSERTION_HEADER, type VerifyAssertion } from '#shared/auth/edge-assertion.ts';
import { looksLikeJwt, type VerifyJwt } from '#shared/auth/jwt.ts';
import { EXTERNAL_KEY_PREFIX, type ValidateKey } from '#shared/auth/mana-auth.ts';
import type { Principal, RateLimit } from '#shared/auth/principal.ts';
import { STT_SCOPE } from '#shared/auth/scopes.ts';
import type { FindStaticKey } from '#shared/auth/static-keys.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** Someone who was let in. */
export interface Authenticated {
  readonly principal: Principal;
  /**
   * `assertion`: the edge has authenticated and limited this request already, so no second limit applies. `nothing`: no
   * credential was needed and none was good.
   */
  readonly via: 'assertion' | 'credential' | 'nothing';
}

/** Who sends this request. Never throws for what a client sends. */
export type Authenticate = (
  request: AssertedRequest,
) => Promise<Result<Authenticated, AuthFailure>>;

/** The parts of the chain; those that are not configured are null. */
export interface AuthenticateParts {
  readonly access: Access;
  readonly findStaticKey: FindStaticKey;
  readonly validateKey: ValidateKey | null;
  readonly verifyJwt: VerifyJwt | null;
  readonly verifyAssertion: VerifyAssertion | null;
  readonly anonymousRateLimit: RateLimit | null;
}

/**
 * Joins the parts. Where no credential is needed a good one still counts, and a bad one is nobody. A bad assertion is
 * refused everywhere: it is no caller's mistake but a broken edge or a forgery.
 */
export function createAuthenticate(parts: AuthenticateParts): Authenticate {
  return async function authenticate(request) {
    const assertion = request.headers.get(ASSERTION_HEADER);
    if (assertion !== null) {
      return await checkAssertion(assertion, request, parts);
    }
    const known = await checkCredential(request, parts);
    if (known.ok) {
      return ok({ principal: known.value, via: 'credential' });
    }
    return admitUnknown(known.error, request, parts);
  };
}

async function checkAssertion(
  assertion: string,
  request: AssertedRequest,
  { verifyAssertion }: AuthenticateParts,
): Promise<Result<Authenticated, AuthFailure>> {
  const principal = (await verifyAssertion?.(assertion, request)) ?? fail('not_configured');
  return principal.ok
    ? ok({ principal: principal.value, via: 'assertion' })
    : fail({ kind: 'assertion_refused', fault: principal.error });
}

async function checkCredential(
  request: AssertedRequest,
  { findStaticKey, validateKey, verifyJwt }: AuthenticateParts,
): Promise<Result<Principal, AuthFailure>> {
  const sent = readCredential(request.headers);
  if (!sent.ok) {
    return fail({ kind: 'malformed_credential', fault: sent.error });
  }
  const credential = sent.value;
  if (credential === null) {
    return fail({ kind: 'no_credential' });
  }
  const owner = await findStaticKey(credential);
  if (owner !== null) {
    return ok(owner);
  }
  if (credential.startsWith(EXTERNAL_KEY_PREFIX)) {
    return (await validateKey?.(credential)) ?? fail({ kind: 'unknown_key' });
  }
  if (looksLikeJwt(credential)) {
    const notConfigured = fail({ kind: 'token_refused', fault: 'not_configured' } as const);
    return (await verifyJwt?.(credential)) ?? notConfigured;
  }
  return fail({ kind: 'unknown_key' });
}

function admitUnknown(
  failure: AuthFailure,
  request: AssertedRequest,
  { access, anonymousRateLimit }: AuthenticateParts,
): Result<Authenticated, AuthFailure> {
  if (access === 'required') {
    return fail(failure);
  }
  const foreign = access === 'local' ? findForeignSign(request) : null;
  if (foreign !== null) {
    return fail({ kind: 'not_local', found: foreign });
  }
  return ok({
    principal: {
      kind: 'anonymous',
      id: 'anonymous',
      name: 'anonymous',
      scopes: [STT_SCOPE],
      rateLimit: anonymousRateLimit,
    },
    via: 'nothing',
  });
}
