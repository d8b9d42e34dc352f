import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  type BreakerOutcome,
  type BreakerState,
  CLOSED_BREAKER,
  DEFAULT_BREAKER_OPTIONS,
  isBreakerOpen,
  recordOutcome,
} from '#shared/routing/circuit-breaker.ts';

const OPTIONS = { ...DEFAULT_BREAKER_OPTIONS, failureThreshold: 2, coolDownMs: 1000, jitter: 0 };
const FAILURE: BreakerOutcome = { kind: 'failure' };
const SUCCESS: BreakerOutcome = { kind: 'success' };

/** One request let through and its outcome. */
function call(state: BreakerState, outcome: BreakerOutcome, nowMs: number, random = 0) {
  const admission = admit(state, OPTIONS, nowMs);
  const permit = admission.permit!;
  return recordOutcome(admission.state, { permit, outcome }, OPTIONS, { nowMs, random });
}

/** Open, until 1000. */
const OPEN = call(call(CLOSED_BREAKER, FAILURE, 0), FAILURE, 0);

describe('admit', () => {
  it('lets everything through while closed', () => {
    expect(admit(CLOSED_BREAKER, OPTIONS, 0)).toMatchObject({ permit: 0, retryAfterMs: 0 });
  });

  it('lets nothing through during the cool-down, and says how long it lasts', () => {
    expect(OPEN.kind).toBe('open');
    expect(admit(OPEN, OPTIONS, 400)).toMatchObject({ permit: null, retryAfterMs: 600 });
  });

  it('lets one probe through after it, and no second one meanwhile', () => {
    const first = admit(OPEN, OPTIONS, 1000);
    expect(first.permit).not.toBeNull();
    expect(admit(first.state, OPTIONS, 1001).permit).toBeNull();
  });

  it('gives up a probe that never said anything', () => {
    const first = admit(OPEN, OPTIONS, 1000);
    const later = 1000 + OPTIONS.probeTimeoutMs;
    expect(admit(first.state, OPTIONS, later - 1)).toMatchObject({ permit: null, retryAfterMs: 1 });
    expect(admit(first.state, OPTIONS, later).permit).not.toBeNull();
  });

  it('does not stay open for longer than the longest cool-down after a wrong clock', () => {
    const ahead: BreakerState = { kind: 'open', generation: 1, untilMs: 1e12, openings: 1 };
    const { state } = admit(ahead, OPTIONS, 0);
    expect(admit(state, OPTIONS, OPTIONS.maxCoolDownMs).permit).not.toBeNull();
  });
});

describe('recordOutcome', () => {
  it('opens after failures in a row, not after failures with a success between', () => {
    const mixed = call(call(call(CLOSED_BREAKER, FAILURE, 0), SUCCESS, 1), FAILURE, 2);
    expect(mixed).toMatchObject({ kind: 'closed', failures: 1 });
    expect(call(mixed, FAILURE, 3).kind).toBe('open');
  });

  it('closes after a probe that succeeded', () => {
    expect(call(OPEN, SUCCESS, 1000)).toMatchObject({ kind: 'closed', failures: 0 });
  });

  it('opens for twice as long after each probe that failed, up to the longest cool-down', () => {
    let state = OPEN;
    const coolDowns: number[] = [];
    for (let i = 0; i < 40; i += 1) {
      const nowMs = state.kind === 'open' ? state.untilMs : 0;
      state = call(state, FAILURE, nowMs);
      coolDowns.push(state.kind === 'open' ? state.untilMs - nowMs : 0);
    }
    expect(coolDowns.slice(0, 3)).toEqual([2000, 4000, 8000]);
    expect(Math.max(...coolDowns)).toBe(OPTIONS.maxCoolDownMs);
  });

  it('shortens a cool-down by chance', () => {
    const options = { ...OPTIONS, failureThreshold: 1, jitter: 0.5 };
    const report = { permit: 0, outcome: FAILURE };
    const state = recordOutcome(CLOSED_BREAKER, report, options, { nowMs: 0, random: 0.5 });
    expect(state).toMatchObject({ untilMs: 750 });
  });

  it('opens at once for as long as an upstream asks', () => {
    const outcome: BreakerOutcome = { kind: 'failure', retryAfterMs: 30_000 };
    expect(call(CLOSED_BREAKER, outcome, 0)).toMatchObject({ kind: 'open', untilMs: 30_000 });
  });

  it('ignores what comes late, from before it opened', () => {
    const report = { permit: CLOSED_BREAKER.generation, outcome: FAILURE };
    const halfOpen = admit(OPEN, OPTIONS, 1000).state;
    expect(recordOutcome(halfOpen, report, OPTIONS, { nowMs: 1001, random: 0 })).toBe(halfOpen);
    expect(recordOutcome(OPEN, report, OPTIONS, { nowMs: 1, random: 0 })).toBe(OPEN);
  });

  it('frees the place of a probe that says nothing of the backend', () => {
    const state = call(OPEN, { kind: 'neutral' }, 1000);
    expect(state.kind).toBe('half-open');
    expect(admit(state, OPTIONS, 1001).permit).not.toBeNull();
  });

  it('never has more probes out than allowed, and always lets one through in the end', () => {
    const outcome = fc.constantFrom<BreakerOutcome>(FAILURE, SUCCESS, { kind: 'neutral' });
    const step = fc.record({ pauseMs: fc.nat(3000), outcome, isReported: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, random) => {
          const options = { ...OPTIONS, maxProbes: 2, successesToClose: 2, jitter: 0.3 };
          let state: BreakerState = CLOSED_BREAKER;
          let nowMs = 0;
          for (const { pauseMs, outcome: result, isReported } of steps) {
            nowMs += pauseMs;
            const admission = admit(state, options, nowMs);
            state = admission.state;
            if (state.kind === 'half-open') expect(state.probes.length).toBeLessThanOrEqual(2);
            if (admission.permit === null || !isReported) continue;
            const report = { permit: admission.permit, outcome: result };
            state = recordOutcome(state, report, options, { nowMs, random });
          }
          const later = nowMs + options.maxCoolDownMs + options.probeTimeoutMs;
          expect(isBreakerOpen(state, options, later)).toBe(false);
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
        },
      ),
      { seed: 11, numRuns: 300 },
    );
  });
});
