import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_RESTART_LIMITS, decideRestart } from '#origin/engine/restart-policy.ts';

describe('decideRestart', () => {
  it('doubles the wait with each quick crash and gives up at the limit', () => {
    const delays = [0, 1, 2, 3, 4].map((n) => decideRestart(n, 100, DEFAULT_RESTART_LIMITS));
    expect(delays.map(({ delayMs }) => delayMs)).toEqual([500, 1000, 2000, 4000, 30_000]);
    expect(delays.map(({ givesUp }) => givesUp)).toEqual([false, false, false, false, true]);
  });

  it('never waits longer than its limits, whatever came before', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(100_000), (previous, livedMs) => {
        const { delayMs } = decideRestart(previous, livedMs, DEFAULT_RESTART_LIMITS);
        expect(delayMs).toBeGreaterThan(0);
        expect(delayMs).toBeLessThanOrEqual(DEFAULT_RESTART_LIMITS.coolDownMs);
      }),
    );
  });

  it('begins anew after a process that lived long enough', () => {
    expect(decideRestart(4, 30_000, DEFAULT_RESTART_LIMITS)).toMatchObject({ quickCrashes: 1 });
  });
});
