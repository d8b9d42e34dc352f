import { errors } from 'jose';
import type { TokenFault } from '#shared/auth/auth-failure.ts';

/**
 * Names what jose found wrong with a token.
 * @throws the error itself when it is none of jose's: the program is wrong then, not the token
 */
export function toTokenFault(error: unknown): TokenFault {
  if (error instanceof errors.JWTExpired) {
    return 'expired';
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return CLAIM_FAULTS[error.claim] ?? 'claims';
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return 'algorithm';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return 'signature';
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return 'unknown_key_id';
  }
  if (error instanceof errors.JOSEError || error instanceof TypeError) {
    return 'malformed';
  }
  throw error;
}

const CLAIM_FAULTS: Readonly<Record<string, TokenFault>> = {
  nbf: 'not_yet_valid',
  iat: 'not_yet_valid',
  aud: 'audience',
  iss: 'issuer',
};
