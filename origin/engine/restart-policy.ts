export interface RestartLimits {
  /** Wait before the first restart; doubles with each quick crash that follows. Default 500 ms. */
  readonly firstDelayMs: number;
  /** Longest wait before a restart. Default 15 s. */
  readonly longestDelayMs: number;
  /** A process that lived this long did not crash quickly: counting begins anew. Default 30 s. */
  readonly stableMs: number;
  /** Quick crashes in a row after which the engine is given up for a while. Default 5. */
  readonly maxQuickCrashes: number;
  /** How long it is given up; the next call after that tries again. Default 30 s. */
  readonly coolDownMs: number;
}

export const DEFAULT_RESTART_LIMITS: RestartLimits = {
  firstDelayMs: 500,
  longestDelayMs: 15_000,
  stableMs: 30_000,
  maxQuickCrashes: 5,
  coolDownMs: 30_000,
};

export interface RestartDecision {
  /** Crashes in a row, this one included. */
  readonly quickCrashes: number;
  readonly givesUp: boolean;
  /** Wait before the next start, or, when giving up, before one may be asked for. */
  readonly delayMs: number;
}

/** What to do after a crash: exponential backoff, then giving up until a cool-down has passed. */
export function decideRestart(
  previousQuickCrashes: number,
  livedMs: number,
  limits: RestartLimits,
): RestartDecision {
  const quickCrashes = livedMs >= limits.stableMs ? 1 : previousQuickCrashes + 1;
  if (quickCrashes >= limits.maxQuickCrashes) {
    return { quickCrashes, givesUp: true, delayMs: limits.coolDownMs };
  }
  const delayMs = Math.min(limits.longestDelayMs, limits.firstDelayMs * 2 ** (quickCrashes - 1));
  return { quickCrashes, givesUp: false, delayMs };
}
