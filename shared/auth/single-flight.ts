/** Joins equal work that is under way, and bounds how much of it there is. */
import { type After, systemAfter } from '#shared/abort-after.ts';

export interface SingleFlight<Value> {
  /** Runs the work or joins the same work; `null` when too much is under way already. */
  run(key: string, work: () => Promise<Value>): Promise<Value> | null;
  /**
   * For work that cannot be joined: fulfils when nobody does it any more, or when one piece of work must be over. What
   * came of it is where the work has put it.
   * @returns null when there is nothing to wait for, so that `run` may follow without a pause in between
   */
  waitForOthers(key: string): Promise<void> | null;
}

export interface SingleFlightOptions {
  /** Pieces of work at a time, at least 1. */
  readonly maxInFlight: number;
  /** Milliseconds that work takes at most. What is older was lost with the request that did it, and counts no more. */
  readonly maxMs: number;
  readonly now: () => number;
  /** False: every caller runs its own. Default: what this runtime allows. */
  readonly isShared?: boolean;
  /** Default: a timer. */
  readonly after?: After;
}

export function createSingleFlight<Value>(options: SingleFlightOptions): SingleFlight<Value> {
  const { maxInFlight, maxMs, now, isShared = canShareWork(), after = systemAfter } = options;
  const shared = new Map<string, Promise<Value>>();
  const underWay = new Map<object, { readonly key: string; readonly untilMs: number }>();

  function forgetLost(): void {
    for (const [work, { untilMs }] of underWay) {
      if (untilMs <= now()) underWay.delete(work);
    }
  }

  function isUnderWay(key: string): boolean {
    forgetLost();
    return [...underWay.values()].some((work) => work.key === key);
  }

  async function untilIdle(key: string): Promise<void> {
    const untilMs = now() + maxMs;
    while (isUnderWay(key) && now() < untilMs) {
      await new Promise<void>((resolve) => after(LOOK_MS, resolve));
    }
  }

  return {
    run(key, work) {
      const joined = shared.get(key);
      if (joined !== undefined) {
        return joined;
      }
      forgetLost();
      if (underWay.size >= maxInFlight) {
        return null;
      }
      const entry = {};
      underWay.set(entry, { key, untilMs: now() + maxMs });
      const started = work().finally(() => {
        underWay.delete(entry);
        shared.delete(key);
      });
      if (isShared) {
        shared.set(key, started);
      }
      return started;
    },
    waitForOthers: (key) => (isShared || !isUnderWay(key) ? null : untilIdle(key)),
  };
}

/** Between two looks at whether the others are done: a fifth of what a question to mana-auth takes at its best. */
const LOOK_MS = 10;

/**
 * In workerd a fetch belongs to the request that made it and ends with it, so a second request that waits for it may
 * wait for ever. Source: jose asks the same way, `src/jwks/remote.ts`.
 */
function canShareWork(): boolean {
  return globalThis.navigator?.userAgent !== 'Cloudflare-Workers';
}
