/** Remembers the ids of assertions until they have expired, so that each counts once. */
export interface ReplayGuard {
  /**
   * Takes an id. Only ids with a good signature come here, so nobody else can fill it.
   * @returns `full` when there is no room, `too_old` for one from before the memory began: the caller then refuses,
   *   since it may have counted already, or could return
   */
  take(id: string, times: AssertionTimes): 'fresh' | 'replayed' | 'full' | 'too_old';
}

/** Milliseconds since 1970. */
export interface AssertionTimes {
  readonly issuedMs: number;
  readonly expiresMs: number;
}

export interface ReplayGuardOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Since when every id that came was remembered: when the service began to listen. Default: now. */
  readonly startedMs?: () => number;
  /** Default 100,000: more than 1,000 requests a second for as long as an assertion lives; about 10 MB. */
  readonly maxIds?: number;
}

/**
 * Holds ids in memory, which a restart empties. So what was issued before the service began to listen is refused: it
 * may have been seen by the process before this one. Assertions tell whole seconds, and the edge has a clock of its
 * own; what is left is one second and the difference between the clocks. An edge whose clock is behind is refused for
 * as long as it is behind, after a start only.
 */
export function createReplayGuard(options: ReplayGuardOptions): ReplayGuard {
  const { now, maxIds = 100_000 } = options;
  const createdMs = now();
  const { startedMs = () => createdMs } = options;
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
    take(id, { issuedMs, expiresMs }) {
      if (issuedMs < Math.floor(startedMs() / 1000) * 1000) {
        return 'too_old';
      }
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
