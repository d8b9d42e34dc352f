/** How many requests one principal may make in one window. */
export interface RateLimit {
  /** Requests in one window, at least 1. */
  readonly requests: number;
  readonly windowSeconds: number;
}

/**
 * By what a caller was recognised: the key of the house, a key of `API_KEYS`, a key that mana-auth
 * knows, a person with a token, or nobody.
 */
export type PrincipalKind = 'internal' | 'local-key' | 'external-key' | 'user' | 'anonymous';

/** Who asks. Holds no secret, so it may be logged, stored with a job and sent to the origin. */
export interface Principal {
  readonly kind: PrincipalKind;
  /** Stable over requests and restarts, for limits and jobs, such as `key:app1` or `user:123`. */
  readonly id: string;
  /** For logs and the usage of a key. Not unique. */
  readonly name: string;
  readonly scopes: readonly string[];
  /** The caller's own limit; `null` when there is none. */
  readonly rateLimit: RateLimit | null;
}
