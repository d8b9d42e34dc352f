/**
 * An exact sliding window, as a pure decision over plain data, so that memory and a SQLite Durable Object hold the
 * same thing: state + limit + time → new state + outcome.
 *
 * Every request that passed is remembered with its millisecond, so no window, wherever it begins, lets one more pass
 * than the limit. The state stays small even so: for limits above 1000 requests, times are rounded up to a thousandth
 * of the window, which can only refuse a caller that moment longer, never let one more through.
 */
import type { RateLimit } from '#shared/auth/principal.ts';

/** What is remembered of a principal. JSON as it stands. At most `MAX_STATE_ENTRIES` entries. */
export interface RateState {
  /** Milliseconds, rising. */
  readonly times: readonly number[];
  /** How many requests came at the time of the same place, at least 1. */
  readonly counts: readonly number[];
}

/** The answer to one request. */
export interface RateOutcome {
  readonly isAllowed: boolean;
  /** Requests in one window. */
  readonly limit: number;
  /** Requests left, this one counted. */
  readonly remaining: number;
  /** Whole seconds until the limit is whole again when nothing more comes; 0 when it is. */
  readonly resetSeconds: number;
  /** Whole seconds until the next request can pass; 0 when one can pass now. */
  readonly retryAfterSeconds: number;
}

export const EMPTY_RATE_STATE: RateState = { times: [], counts: [] };

/** Longest `times` and `counts` that `decideRate` makes. */
export const MAX_STATE_ENTRIES = 1002;

/**
 * Lets a request pass, or not. A refused request costs nothing. A window is half open: what came at `t` is over at
 * `t + window`. When the clock goes back, takes keep their times, so that nobody gains by it; times more than a window
 * ahead come from a clock that was wrong, and count as now.
 *
 * @throws RangeError for a limit that is no limit: both numbers must be finite, `requests` whole and at least 1.
 */
export function decideRate(
  state: RateState,
  limit: RateLimit,
  nowMs: number,
): { readonly state: RateState; readonly outcome: RateOutcome } {
  const current = settle(state, limit, nowMs);
  const isAllowed = sum(current.counts) < limit.requests;
  const next = isAllowed ? addTake(current, roundUp(nowMs, stepMs(limit))) : current;
  return { state: next, outcome: describe(next, limit, nowMs, isAllowed) };
}

/** How a principal stands, without a request: for the headers of answers that cost nothing. */
export function peekRate(state: RateState, limit: RateLimit, nowMs: number): RateOutcome {
  const current = settle(state, limit, nowMs);
  return describe(current, limit, nowMs, sum(current.counts) < limit.requests);
}

/** When the state may be forgotten, in milliseconds; nothing is lost from then on. */
export function idleAtMs(state: RateState, limit: RateLimit): number {
  const last = state.times.at(-1);
  return last === undefined ? Number.NEGATIVE_INFINITY : last + windowMs(limit);
}

const STEPS_PER_WINDOW = MAX_STATE_ENTRIES - 2;

function stepMs(limit: RateLimit): number {
  const isSmall = limit.requests <= STEPS_PER_WINDOW;
  return isSmall ? 1 : Math.max(1, Math.ceil(windowMs(limit) / STEPS_PER_WINDOW));
}

function windowMs(limit: RateLimit): number {
  const { requests, windowSeconds } = limit;
  if (!Number.isSafeInteger(requests) || requests < 1) {
    throw new RangeError(`A limit of ${requests} requests is not a whole number from 1`);
  }
  if (!Number.isFinite(windowSeconds) || windowSeconds <= 0) {
    throw new RangeError(`A window of ${windowSeconds} s is not a length of time`);
  }
  return Math.ceil(windowSeconds * 1000);
}

/** The takes of the window that ends now. */
function settle(state: RateState, limit: RateLimit, nowMs: number): RateState {
  const length = windowMs(limit);
  const last = state.times.at(-1) ?? Number.NEGATIVE_INFINITY;
  const isClockWrong = last - nowMs > Math.max(length, stepMs(limit));
  const times = isClockWrong ? state.times.map((time) => Math.min(time, nowMs)) : state.times;
  const first = times.findIndex((time) => time + length > nowMs);
  if (first === -1) return EMPTY_RATE_STATE;
  return { times: times.slice(first), counts: state.counts.slice(first) };
}

function addTake({ times, counts }: RateState, timeMs: number): RateState {
  const last = times.at(-1);
  if (last !== undefined && timeMs <= last) {
    return { times, counts: counts.with(-1, (counts.at(-1) ?? 0) + 1) };
  }
  return { times: [...times, timeMs], counts: [...counts, 1] };
}

function describe(
  state: RateState,
  limit: RateLimit,
  nowMs: number,
  isAllowed: boolean,
): RateOutcome {
  const { times } = state;
  const length = windowMs(limit);
  const remaining = Math.max(0, limit.requests - sum(state.counts));
  const secondsUntil = (timeMs: number) => Math.max(1, Math.ceil((timeMs + length - nowMs) / 1000));
  return {
    isAllowed,
    limit: limit.requests,
    remaining,
    resetSeconds: times.length === 0 ? 0 : secondsUntil(times.at(-1) ?? nowMs),
    retryAfterSeconds: remaining > 0 ? 0 : secondsUntil(freeingTime(state, limit)),
  };
}

/** The take with whose end a place becomes free: the oldest, or a later one after the limit was lowered. */
function freeingTime({ times, counts }: RateState, limit: RateLimit): number {
  let over = sum(counts) - limit.requests + 1;
  for (const [index, time] of times.entries()) {
    over -= counts[index] ?? 0;
    if (over <= 0) return time;
  }
  return times.at(-1) ?? 0;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
