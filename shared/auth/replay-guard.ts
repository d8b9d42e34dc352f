/** Remembers the ids of assertions until they have expired, so that each counts once. */
export interface ReplayGuard {
  /**
   * Takes an id. Only ids with a good signature come here, so nobody else can fill it.
   * @returns `full` when there is no room: the caller then refuses, since an id that is not remembered could return
   */
  take(id: string, expiresMs: number): 'fresh' | 'replayed' | 'full';
}

export interface ReplayGuardOptions {
  /** Milliseconds. */
  readonly now: () => number;
  /** Default 100,000: more than 1,000 requests a second for as long as an assertion lives; about 10 MB. */
  readonly maxIds?: number;
}

/**
 * Holds ids in memory. After a restart an assertion that was seen before could come again within its 60 s; whoever
 * cannot live with that brings a guard that is on disk.
 */
export function createReplayGuard({ now, maxIds = 100_000 }: ReplayGuardOptions): ReplayGuard {
  const expiries = new Map<string, number>();
  function forgetExpired(): void {
    // In the order of arrival, which is nearly that of expiry: what stays too long is gone a minute later.
    for (const [id, expiresMs] of expiries) {
      if (expiresMs > now()) {
        break;
      }
      expiries.delete(id);
    }
  }
  return {
    take(id, expiresMs) {
      forgetExpired();
      if (expiries.has(id)) {
        return 'replayed';
      }
      if (expiries.size >= maxIds) {
        return 'full';
      }
      expiries.set(id, expiresMs);
      return 'fresh';
    },
  };
}
