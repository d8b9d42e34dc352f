/** Keeps away from a service that failed, for longer with every failure. */
export interface CoolDown {
  /** Milliseconds until the next attempt may be made; 0: now. */
  remainingMs(): number;
  failed(): void;
  succeeded(): void;
}

export interface CoolDownOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly now: () => number;
}

export function createCoolDown({ firstMs, maxMs, now }: CoolDownOptions): CoolDown {
  let failures = 0;
  let untilMs = Number.NEGATIVE_INFINITY;
  return {
    remainingMs: () => Math.max(0, untilMs - now()),
    failed() {
      // Several callers that failed together are one failure.
      if (now() >= untilMs) {
        untilMs = now() + Math.min(maxMs, firstMs * 2 ** Math.min(failures, 30));
        failures++;
      }
    },
    succeeded() {
      failures = 0;
      untilMs = Number.NEGATIVE_INFINITY;
    },
  };
}
