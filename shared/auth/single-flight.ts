/** Joins equal work that is under way, and bounds how much of it there is. */
export interface SingleFlight<Value> {
  /** Runs the work or joins the same work; `null` when too much is under way already. */
  run(key: string, work: () => Promise<Value>): Promise<Value> | null;
}

export interface SingleFlightOptions {
  /** Pieces of work at a time, at least 1. */
  readonly maxInFlight: number;
  /** False: every caller runs its own. Default: what this runtime allows. */
  readonly isShared?: boolean;
}

export function createSingleFlight<Value>(options: SingleFlightOptions): SingleFlight<Value> {
  const { maxInFlight, isShared = canShareWork() } = options;
  const shared = new Map<string, Promise<Value>>();
  let inFlight = 0;
  return {
    run(key, work) {
      const joined = shared.get(key);
      if (joined !== undefined) {
        return joined;
      }
      if (inFlight >= maxInFlight) {
        return null;
      }
      inFlight++;
      const started = work().finally(() => {
        inFlight--;
        shared.delete(key);
      });
      if (isShared) {
        shared.set(key, started);
      }
      return started;
    },
  };
}

/**
 * In workerd a fetch belongs to the request that made it and ends with it, so a second request that waits for it may
 * wait for ever. Source: jose asks the same way, `src/jwks/remote.ts`.
 */
function canShareWork(): boolean {
  return globalThis.navigator?.userAgent !== 'Cloudflare-Workers';
}
