/** How often a process was lost, and when the next may be started. */
import type { Clock } from '#origin/engine/clock.ts';
import {
  decideRestart,
  type RestartDecision,
  type RestartLimits,
} from '#origin/engine/restart-policy.ts';

/** A start takes a minute or more, so the waits are longer than the engine's. */
export const VLLM_RESTART_LIMITS: RestartLimits = {
  firstDelayMs: 1000,
  longestDelayMs: 60_000,
  stableMs: 120_000,
  maxQuickCrashes: 4,
  coolDownMs: 120_000,
};

export class Retries {
  readonly #limits: RestartLimits;
  readonly #clock: Clock;
  #quickCrashes = 0;
  #retryAt = 0;

  constructor(limits: Partial<RestartLimits> | undefined, clock: Clock) {
    this.#limits = { ...VLLM_RESTART_LIMITS, ...limits };
    this.#clock = clock;
    this.#retryAt = clock.now();
  }

  /** Counts one more loss. */
  lost(livedMs: number): RestartDecision {
    const decision = decideRestart(this.#quickCrashes, livedMs, this.#limits);
    this.#quickCrashes = decision.quickCrashes;
    this.#retryAt = this.#clock.now() + decision.delayMs;
    return decision;
  }

  /** Milliseconds until the next start may be asked for; 0 or less: now. */
  waitMs(): number {
    return this.#retryAt - this.#clock.now();
  }
}
