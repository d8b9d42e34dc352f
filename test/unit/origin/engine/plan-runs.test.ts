import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { planRuns } from '#origin/engine/graphs/plan-runs.ts';

describe('planRuns', () => {
  it('puts items of like length together', () => {
    expect(planRuns([10, 100, 12, 90], 200)).toEqual([
      [1, 3],
      [2, 0],
    ]);
  });

  it('lets every item run alone where a run holds nothing', () => {
    expect(planRuns([5, 7], 0)).toEqual([[1], [0]]);
  });

  it('takes each item once and no more than fits, padding included (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.nat(300), (lengths, limit) => {
        const runs = planRuns(lengths, limit);
        expect(runs.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
        for (const run of runs.filter(({ length }) => length > 1)) {
          expect(run.length * Math.max(...run.map((i) => lengths[i]!))).toBeLessThanOrEqual(limit);
        }
      }),
      { seed: 1 },
    );
  });
});
