import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateLimit } from '#shared/auth/principal.ts';
import {
  decideRate,
  EMPTY_RATE_STATE,
  idleAtMs,
  MAX_STATE_ENTRIES,
  peekRate,
  type RateState,
} from '#shared/rate-limit/sliding-window.ts';

const SEED = { seed: 20261125, numRuns: 300 };

/** Takes at these times, in order: which passed. */
function run(times: readonly number[], limit: RateLimit) {
  let state: RateState = EMPTY_RATE_STATE;
  const outcomes = times.map((time) => {
    const decided = decideRate(state, limit, time);
    state = decided.state;
    return decided.outcome;
  });
  return { state, outcomes, passed: times.filter((_, index) => outcomes[index]!.isAllowed) };
}

/** The rule as it is written down, by brute force: all that passed are kept for ever. */
function runReference(times: readonly number[], { requests, windowSeconds }: RateLimit): boolean[] {
  const passed: number[] = [];
  return times.map((time) => {
    const inWindow = passed.filter((other) => other > time - windowSeconds * 1000).length;
    if (inWindow >= requests) return false;
    passed.push(time);
    return true;
  });
}

/** Most in any window that begins with one of them. */
function most(passed: readonly number[], windowMs: number): number {
  const inWindow = (start: number) =>
    passed.filter((time) => time >= start && time < start + windowMs).length;
  return Math.max(0, ...passed.map(inWindow));
}

/** Rising times with bursts of requests at the same millisecond. */
const TIMES = fc
  .array(fc.tuple(fc.nat(700), fc.integer({ min: 1, max: 4 })), { maxLength: 60 })
  .map((steps) => {
    let now = 1_800_000_000_000;
    return steps.flatMap(([pauseMs, together]) => {
      now += pauseMs;
      return Array.from({ length: together }, () => now);
    });
  });

const LIMITS = fc.record({
  requests: fc.integer({ min: 1, max: 12 }),
  windowSeconds: fc.constantFrom(0.25, 1, 2, 5),
});

describe('decideRate', () => {
  it('decides as a brute-force sliding window does, at any times', () => {
    fc.assert(
      fc.property(TIMES, LIMITS, (times, limit) => {
        const decided = run(times, limit).outcomes.map(({ isAllowed }) => isAllowed);
        expect(decided).toEqual(runReference(times, limit));
      }),
      SEED,
    );
  });

  it('lets no window have one more than the limit, even when the clock jumps back within it', () => {
    const jumps = fc.array(fc.integer({ min: -900, max: 1500 }), { maxLength: 80 });
    fc.assert(
      fc.property(jumps, LIMITS, (steps, limit) => {
        // Requests are told apart by the latest time any clock had shown: that is what really went by at least.
        let now = 1_800_000_000_000;
        let highest = now;
        const times = steps.map((step) => {
          now = Math.max(now + step, highest - limit.windowSeconds * 1000);
          highest = Math.max(highest, now);
          return now;
        });
        const latest = times.map((_, index) => Math.max(...times.slice(0, index + 1)));
        const { outcomes } = run(times, limit);
        const passed = latest.filter((_, index) => outcomes[index]!.isAllowed);
        expect(most(passed, limit.windowSeconds * 1000)).toBeLessThanOrEqual(limit.requests);
      }),
      SEED,
    );
  });

  it('keeps large limits in a small state, never lets one more pass, and refuses at most a step longer', () => {
    const limit = { requests: 5000, windowSeconds: 60 };
    let now = 1_800_000_000_000;
    const times = Array.from({ length: 16_000 }, (_, index) => {
      now += index % 7 === 0 ? 17 : 5;
      return now;
    });
    const { state, passed } = run(times, limit);
    expect(state.times.length).toBeLessThanOrEqual(MAX_STATE_ENTRIES);
    expect(state.counts).toHaveLength(state.times.length);
    const counted = passed.map(
      (time) => passed.filter((it) => it > time - 60_000 && it <= time).length,
    );
    expect(Math.max(...counted)).toBe(5000);
    const strict = runReference(times, { requests: 5000, windowSeconds: 60.06 });
    expect(passed.length).toBeGreaterThanOrEqual(strict.filter(Boolean).length);
  });

  it('counts down and says when the next request can pass', () => {
    const limit = { requests: 2, windowSeconds: 60 };
    const { outcomes } = run([0, 10_000, 30_500], limit);
    expect(outcomes).toEqual([
      { isAllowed: true, limit: 2, remaining: 1, resetSeconds: 60, retryAfterSeconds: 0 },
      { isAllowed: true, limit: 2, remaining: 0, resetSeconds: 60, retryAfterSeconds: 50 },
      { isAllowed: false, limit: 2, remaining: 0, resetSeconds: 40, retryAfterSeconds: 30 },
    ]);
  });

  it('lets a request pass after exactly Retry-After, whenever it was refused', () => {
    fc.assert(
      fc.property(TIMES, LIMITS, (times, limit) => {
        const { state } = run(times, limit);
        const last = times.at(-1) ?? 0;
        const { retryAfterSeconds } = peekRate(state, limit, last);
        const later = last + retryAfterSeconds * 1000;
        expect(decideRate(state, limit, later).outcome.isAllowed).toBe(true);
      }),
      SEED,
    );
  });

  it('frees a place at the end of the window, not a millisecond before', () => {
    const limit = { requests: 1, windowSeconds: 1 };
    expect(run([0, 999, 1000], limit).outcomes.map(({ isAllowed }) => isAllowed)).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('keeps to a limit that was lowered in between', () => {
    const { state } = run([0, 1, 2, 3, 4], { requests: 5, windowSeconds: 10 });
    const { outcome } = decideRate(state, { requests: 2, windowSeconds: 10 }, 1000);
    expect(outcome).toMatchObject({ isAllowed: false, remaining: 0, retryAfterSeconds: 10 });
  });

  it('does not lock a caller out for longer than a window after a clock was far ahead', () => {
    const limit = { requests: 1, windowSeconds: 60 };
    const { state } = run([1_000_000_000], limit);
    const refused = decideRate(state, limit, 1000);
    expect(refused.outcome).toMatchObject({ isAllowed: false, retryAfterSeconds: 60 });
    expect(decideRate(refused.state, limit, 61_000).outcome.isAllowed).toBe(true);
  });

  it('survives JSON', () => {
    const limit = { requests: 3, windowSeconds: 10 };
    const { state } = run([1, 2, 3], limit);
    expect(decideRate(JSON.parse(JSON.stringify(state)), limit, 4)).toEqual(
      decideRate(state, limit, 4),
    );
  });

  it.each([
    { requests: 0, windowSeconds: 1 },
    { requests: 1.5, windowSeconds: 1 },
    { requests: Number.NaN, windowSeconds: 1 },
    { requests: 1, windowSeconds: 0 },
    { requests: 1, windowSeconds: Number.POSITIVE_INFINITY },
  ])('throws for the limit $requests in $windowSeconds s', (limit) => {
    expect(() => decideRate(EMPTY_RATE_STATE, limit, 0)).toThrow(RangeError);
  });
});

describe('peekRate', () => {
  it('costs nothing', () => {
    const limit = { requests: 1, windowSeconds: 1 };
    expect(peekRate(EMPTY_RATE_STATE, limit, 0)).toMatchObject({ isAllowed: true, remaining: 1 });
    expect(decideRate(EMPTY_RATE_STATE, limit, 0).outcome.isAllowed).toBe(true);
  });
});

describe('idleAtMs', () => {
  it('is the end of the last window', () => {
    const limit = { requests: 2, windowSeconds: 10 };
    expect(idleAtMs(run([0, 500], limit).state, limit)).toBe(10_500);
  });
});
