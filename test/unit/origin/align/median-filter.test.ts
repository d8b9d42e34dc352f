import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { medianFilter } from '#origin/align/median-filter.ts';

/** By sorting each window. */
function slowMedian(row: readonly number[], width: number): number[] {
  const half = width >> 1;
  const at = (index: number): number => {
    const last = row.length - 1;
    const reflected = index < 0 ? -index : index > last ? 2 * last - index : index;
    return row[reflected]!;
  };
  return row.map((_, centre) => {
    const window = Array.from({ length: width }, (_, offset) => at(centre - half + offset));
    return window.toSorted((a, b) => a - b)[half]!;
  });
}

describe('medianFilter', () => {
  it('is the median of each window, with reflected ends, row by row', () => {
    const value = fc.integer({ min: -9, max: 9 });
    const matrix = fc.integer({ min: 4, max: 40 }).chain((frames) =>
      fc.array(fc.array(value, { minLength: frames, maxLength: frames }), {
        minLength: 1,
        maxLength: 4,
      }),
    );
    fc.assert(
      fc.property(matrix, (rows) => {
        const shape = { rows: rows.length, frames: rows[0]!.length };
        const filtered = medianFilter(Float32Array.from(rows.flat()), shape);
        expect([...filtered]).toEqual(rows.flatMap((row) => slowMedian(row, 7)));
      }),
    );
  });

  it('takes out a single odd frame and keeps an edge where it is', () => {
    const row = Float32Array.from([0, 0, 0, 0, 9, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5]);
    const expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5];
    expect([...medianFilter(row, { rows: 1, frames: 15 })]).toEqual(expected);
  });

  it('returns rows that are shorter than half the window unchanged, as a copy', () => {
    const row = Float32Array.from([3, 1, 2]);
    const filtered = medianFilter(row, { rows: 1, frames: 3 });
    expect([...filtered]).toEqual([3, 1, 2]);
    expect(filtered).not.toBe(row);
  });
});
