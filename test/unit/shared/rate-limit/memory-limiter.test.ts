import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryLimiter } from '#shared/rate-limit/memory-limiter.ts';

const LIMIT = { requests: 2, windowSeconds: 10 };

describe('createMemoryLimiter', () => {
  it('lets exactly the limit of 200 concurrent requests pass', async () => {
    const limiter = createMemoryLimiter({ now: () => 5 });
    const limit = { requests: 60, windowSeconds: 60 };
    const takes = Array.from({ length: 200 }, async () => limiter.take('key:app', limit));
    const outcomes = await Promise.all(takes);
    expect(outcomes.filter(({ isAllowed }) => isAllowed)).toHaveLength(60);
  });

  it('counts each principal for itself', () => {
    const limiter = createMemoryLimiter({ now: () => 0 });
    limiter.take('a', LIMIT);
    limiter.take('a', LIMIT);
    expect(limiter.take('a', LIMIT).isAllowed).toBe(false);
    expect(limiter.take('b', LIMIT).isAllowed).toBe(true);
  });

  it('forgets idle principals when it is full', () => {
    let now = 0;
    const limiter = createMemoryLimiter({ now: () => now, maxPrincipals: 2 });
    limiter.take('a', LIMIT);
    limiter.take('b', LIMIT);
    now = 10_000;
    expect(limiter.take('c', LIMIT).isAllowed).toBe(true);
    expect(limiter.size()).toBe(1);
  });

  it('refuses a new principal rather than forget a busy one', () => {
    let now = 0;
    const limiter = createMemoryLimiter({ now: () => now, maxPrincipals: 1 });
    limiter.take('a', LIMIT);
    limiter.take('a', LIMIT);
    now = 4000;
    expect(limiter.take('b', LIMIT)).toMatchObject({ isAllowed: false, retryAfterSeconds: 6 });
    expect(limiter.take('a', LIMIT).isAllowed).toBe(false);
    now = 10_000;
    expect(limiter.take('b', LIMIT).isAllowed).toBe(true);
  });

  it('never lets a principal have more than its limit, nor remembers more than it may', () => {
    const step = fc.tuple(fc.nat(2000), fc.constantFrom('a', 'b', 'c', 'd'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let now = 0;
        const limiter = createMemoryLimiter({ now: () => now, maxPrincipals: 2 });
        const passed: Record<string, number[]> = { a: [], b: [], c: [], d: [] };
        for (const [pauseMs, id] of steps) {
          now += pauseMs;
          if (limiter.take(id, LIMIT).isAllowed) passed[id]!.push(now);
          expect(limiter.size()).toBeLessThanOrEqual(2);
        }
        for (const times of Object.values(passed)) {
          times.forEach((time, index) => {
            const third = times[index + LIMIT.requests];
            expect(third === undefined || third - time >= 10_000).toBe(true);
          });
        }
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
