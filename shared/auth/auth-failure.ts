/** Why a caller was not let in. For the log and for numbers; the wire only ever sees which of three kinds it was. */

/** Each arm holds its evidence and no part of a credential. */
export type AuthFailure =
  | { readonly kind: 'no_credential' }
  | { readonly kind: 'malformed_credential'; readonly fault: CredentialFault }
  /** Nothing here or at mana-auth knows it. */
  | { readonly kind: 'unknown_key' }
  /** mana-auth looked at the key and said no. */
  | { readonly kind: 'key_refused' }
  | { readonly kind: 'token_refused'; readonly fault: TokenFault }
  | { readonly kind: 'assertion_refused'; readonly fault: AssertionFault }
  /** No key is configured, and the request did not come straight from this machine. */
  | { readonly kind: 'not_local'; readonly found: string }
  | { readonly kind: 'missing_scope'; readonly principalId: string; readonly wanted: string }
  /** Nobody can say now whether the credential is good. It is not let in. */
  | {
      readonly kind: 'auth_unavailable';
      readonly cause: UpstreamFault;
      readonly retryAfterSeconds: number;
    };

export type CredentialFault =
  | 'two_credentials'
  | 'too_long'
  | 'strange_characters'
  | 'empty_bearer'
  | 'unsupported_scheme';

export type TokenFault =
  | 'not_configured'
  | 'malformed'
  | 'algorithm'
  | 'key_id'
  | 'unknown_key_id'
  | 'signature'
  | 'expired'
  | 'not_yet_valid'
  | 'audience'
  | 'issuer'
  | 'claims';

export type AssertionFault =
  | TokenFault
  | 'lifetime'
  | 'another_request'
  | 'replayed'
  /** Issued before the origin began to listen: nobody knows whether it has counted already. */
  | 'before_start'
  | 'too_many_assertions';

/** What mana-auth did instead of answering. */
export type UpstreamFault =
  | 'unreachable'
  | 'timeout'
  | 'bad_status'
  | 'bad_answer'
  | 'cooling_down'
  | 'too_many_lookups';
