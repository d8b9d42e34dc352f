import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestMatching } from '#origin/diarize/best-matching.ts';

const score = fc.integer({ min: -5, max: 20 });
const matrix = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
  .chain(([rows, columns]) =>
    fc.array(fc.array(score, { minLength: columns, maxLength: columns }), {
      minLength: rows,
      maxLength: rows,
    }),
  );

function bestSum(scores: readonly number[][], row = 0, taken = new Set<number>()): number {
  if (row === scores.length) return 0;
  let best = bestSum(scores, row + 1, taken);
  for (const [column, value] of scores[row]!.entries()) {
    if (taken.has(column)) continue;
    best = Math.max(best, value + bestSum(scores, row + 1, new Set([...taken, column])));
  }
  return best;
}

describe('bestMatching', () => {
  it('finds the largest sum, one to one, without pairs that score nothing', () => {
    fc.assert(
      fc.property(matrix, (scores) => {
        const match = bestMatching(scores);
        const columns = match.filter((column) => column >= 0);
        expect(new Set(columns).size).toBe(columns.length);
        const pairs = match.flatMap((column, row) => (column < 0 ? [] : [scores[row]![column]!]));
        expect(pairs.every((value) => value > 0)).toBe(true);
        expect(pairs.reduce((a, b) => a + b, 0)).toBe(bestSum(scores));
      }),
    );
  });

  it('matches nothing in an empty table', () => {
    expect(bestMatching([])).toEqual([]);
    expect(bestMatching([[], []])).toEqual([-1, -1]);
  });
});
