/**
 * A circuit breaker as a pure state machine: closed → open after failures in a row → half-open after a cool-down, with
 * a few probes → closed, or open for longer. The state is JSON; clock and chance come from outside.
 */

export type BreakerState =
  | { readonly kind: 'closed'; readonly generation: number; readonly failures: number }
  | {
      readonly kind: 'open';
      readonly generation: number;
      readonly untilMs: number;
      /** Times it opened since it was last closed, at least 1. */
      readonly openings: number;
    }
  | {
      readonly kind: 'half-open';
      readonly generation: number;
      readonly openings: number;
      /** When the probes still out were let through, milliseconds. */
      readonly probes: readonly number[];
      readonly successes: number;
    };

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failureThreshold: number;
  /** Probes out at the same time. */
  readonly maxProbes: number;
  /** Probes that must succeed before it closes. */
  readonly successesToClose: number;
  /** The first cool-down; each further one is twice as long. */
  readonly coolDownMs: number;
  readonly maxCoolDownMs: number;
  /** 0..1: the share of a cool-down left to chance, so that not all come back at once. */
  readonly jitter: number;
  /** A probe that says nothing for so long is given up. */
  readonly probeTimeoutMs: number;
}

export const DEFAULT_BREAKER_OPTIONS: BreakerOptions = {
  failureThreshold: 5,
  maxProbes: 1,
  successesToClose: 1,
  coolDownMs: 5000,
  maxCoolDownMs: 120_000,
  jitter: 0.3,
  probeTimeoutMs: 60_000,
};

export const CLOSED_BREAKER: BreakerState = { kind: 'closed', generation: 0, failures: 0 };

/** Whether a request may go through. */
export interface Admission {
  readonly state: BreakerState;
  /** To be handed back with the outcome; null when the request must not go through. */
  readonly permit: number | null;
  /** How long to wait at least; 0 with a permit. */
  readonly retryAfterMs: number;
}

/**
 * `neutral`: it says nothing of the backend, such as a fault of the caller. `retryAfterMs` of an upstream that asked for
 * peace opens the breaker at once, for so long.
 */
export type BreakerOutcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'neutral' }
  | { readonly kind: 'failure'; readonly retryAfterMs?: number };

/** Asks for a request to be let through. The state returned must be kept, permit or not. */
export function admit(state: BreakerState, options: BreakerOptions, nowMs: number): Admission {
  switch (state.kind) {
    case 'closed':
      return { state, permit: state.generation, retryAfterMs: 0 };
    case 'open': {
      const waitMs = state.untilMs - nowMs;
      if (waitMs <= 0) return admitProbe(toHalfOpen(state), options, nowMs);
      // No cool-down is as long as that: the clock was wrong when it was set.
      if (waitMs > options.maxCoolDownMs) {
        const untilMs = nowMs + options.maxCoolDownMs;
        return { state: { ...state, untilMs }, permit: null, retryAfterMs: options.maxCoolDownMs };
      }
      return { state, permit: null, retryAfterMs: waitMs };
    }
    case 'half-open':
      return admitProbe(state, options, nowMs);
  }
}

/** Would a request be let through now? Changes nothing: for routing. */
export function isBreakerOpen(state: BreakerState, options: BreakerOptions, nowMs: number) {
  return admit(state, options, nowMs).permit === null;
}

/**
 * Takes the outcome of a request that was let through. An outcome with an old permit, of before the breaker changed, is
 * ignored: late failures of a past outage must not open it again.
 *
 * @param random 0..1, from outside.
 */
export function recordOutcome(
  state: BreakerState,
  report: { readonly permit: number; readonly outcome: BreakerOutcome },
  options: BreakerOptions,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): BreakerState {
  const { permit, outcome } = report;
  if (permit !== state.generation || state.kind === 'open') return state;
  if (outcome.kind === 'failure') {
    const failures = state.kind === 'closed' ? state.failures + 1 : options.failureThreshold;
    const mustOpen = failures >= options.failureThreshold || outcome.retryAfterMs !== undefined;
    if (!mustOpen) return { kind: 'closed', generation: state.generation, failures };
    return toOpen(state, outcome.retryAfterMs ?? 0, options, { nowMs, random });
  }
  if (state.kind === 'closed') {
    return outcome.kind === 'success' && state.failures > 0 ? { ...state, failures: 0 } : state;
  }
  const successes = state.successes + (outcome.kind === 'success' ? 1 : 0);
  if (successes >= options.successesToClose) {
    return { kind: 'closed', generation: state.generation + 1, failures: 0 };
  }
  return { ...state, successes, probes: state.probes.slice(1) };
}

type HalfOpen = Extract<BreakerState, { kind: 'half-open' }>;

function toHalfOpen({ generation, openings }: Extract<BreakerState, { kind: 'open' }>): HalfOpen {
  return { kind: 'half-open', generation: generation + 1, openings, probes: [], successes: 0 };
}

function admitProbe(state: HalfOpen, options: BreakerOptions, nowMs: number): Admission {
  const isOut = (startMs: number) =>
    nowMs - startMs < options.probeTimeoutMs && startMs - nowMs < options.probeTimeoutMs;
  const probes = state.probes.filter(isOut);
  const first = probes[0];
  if (first !== undefined && probes.length >= options.maxProbes) {
    const retryAfterMs = Math.max(1, first + options.probeTimeoutMs - nowMs);
    return { state: { ...state, probes }, permit: null, retryAfterMs };
  }
  return {
    state: { ...state, probes: [...probes, nowMs] },
    permit: state.generation,
    retryAfterMs: 0,
  };
}

function toOpen(
  state: Exclude<BreakerState, { kind: 'open' }>,
  leastMs: number,
  options: BreakerOptions,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): BreakerState {
  const openings = state.kind === 'closed' ? 1 : state.openings + 1;
  const fullMs = Math.min(options.maxCoolDownMs, options.coolDownMs * 2 ** (openings - 1));
  const jitteredMs = fullMs * (1 - options.jitter * random);
  const coolDownMs = Math.min(options.maxCoolDownMs, Math.max(leastMs, jitteredMs));
  return {
    kind: 'open',
    generation: state.generation + 1,
    untilMs: nowMs + coolDownMs,
    openings: Math.min(openings, MAX_OPENINGS),
  };
}

/** Keeps the power of two a number. */
const MAX_OPENINGS = 30;
