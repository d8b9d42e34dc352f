/** From headers to the one credential of a request. Nothing here knows whether it is any good. */
import type { CredentialFault } from '#shared/auth/auth-failure.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** The part of `Headers` that is needed. Names are lower case; several values come joined with commas. */
export interface HeaderReader {
  get(name: string): string | null;
}

/**
 * Reads `X-API-Key: K` or `Authorization: Bearer K`. An empty `X-API-Key` counts as absent.
 * @returns the credential, visible ASCII, 1 to 8192 characters; `null` when none was sent
 */
export function readCredential(headers: HeaderReader): Result<string | null, CredentialFault> {
  const apiKey = headers.get('x-api-key')?.trim() ?? '';
  const authorization = headers.get('authorization')?.trim() ?? '';
  if (Math.max(apiKey.length, authorization.length) > MAX_HEADER_CHARACTERS) {
    return fail('too_long');
  }
  const bearer = readBearer(authorization);
  if (!bearer.ok) {
    // Whoever sent a key means that; "Authorization: Basic" is then some proxy's own business.
    return bearer.error === 'unsupported_scheme' && apiKey !== '' ? judge(apiKey) : bearer;
  }
  if (apiKey !== '' && bearer.value !== null && apiKey !== bearer.value) {
    return fail('two_credentials');
  }
  return judge(apiKey === '' ? bearer.value : apiKey);
}

/** A token of a person with many roles is below 2,000 characters; 8192 is what common proxies pass on. */
const MAX_CREDENTIAL_CHARACTERS = 8192;
const MAX_HEADER_CHARACTERS = MAX_CREDENTIAL_CHARACTERS + 'Bearer '.length;

function readBearer(authorization: string): Result<string | null, CredentialFault> {
  if (authorization === '') {
    return ok(null);
  }
  const [scheme = '', ...rest] = authorization.split(/ +/);
  if (scheme.toLowerCase() !== 'bearer') {
    return fail('unsupported_scheme');
  }
  const token = rest.join(' ');
  return token === '' ? fail('empty_bearer') : ok(token);
}

function judge(credential: string | null): Result<string | null, CredentialFault> {
  if (credential === null) {
    return ok(null);
  }
  if (credential.length > MAX_CREDENTIAL_CHARACTERS) {
    return fail('too_long');
  }
  // Also refuses the same header sent twice, which arrives as "a, b".
  return /^[\x21-\x7e]+$/.test(credential) ? ok(credential) : fail('strange_characters');
}
