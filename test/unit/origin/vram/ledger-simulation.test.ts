import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anySchedule, kindSchedule } from '#test/support/ledger-schedules.ts';
import { runSchedule } from '#test/support/ledger-world.ts';

const SEED = 20_261_125;

describe('Ledger among processes that load, leak, crash and vanish', () => {
  it('never promises more than there is, loses no lease, answers everyone in time', () => {
    fc.assert(
      fc.property(anySchedule, (schedule) => {
        expect(runSchedule(schedule).faults).toEqual([]);
      }),
      { numRuns: 1500, seed: SEED },
    );
  });

  it('serves everyone within the time that all others need together when all behave', () => {
    fc.assert(
      fc.property(kindSchedule, (schedule) => {
        const outcome = runSchedule(schedule);
        expect(outcome.faults).toEqual([]);
        expect(outcome).toMatchObject({ granted: schedule.plans.length, refused: 0 });
        // Each of the others loads, is used, and lets go 1.5 s after it was asked; readings come each second.
        const needMs = schedule.plans.map(({ loadMs, useMs }) => loadMs + useMs + 15_000);
        const boundMs = needMs.reduce((sum, ms) => sum + ms, 0);
        expect(outcome.longestWaitMs).toBeLessThanOrEqual(boundMs);
      }),
      { numRuns: 800, seed: SEED },
    );
  });
});
