import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { scaleColumns } from '#models/architectures/weight-norm.ts';

describe('scaleColumns', () => {
  it('gives every column its length and keeps its direction (property)', () => {
    const value = fc.double({ min: 0.1, max: 10, noNaN: true });
    const matrix = fc.array(value, { minLength: 3, maxLength: 3 * 8 }).map((values) => {
      return Float32Array.from(values.slice(0, 3 * Math.floor(values.length / 3)));
    });
    fc.assert(
      fc.property(matrix, fc.tuple(value, value, value), (direction, lengths) => {
        const scaled = scaleColumns(direction.slice(), Float32Array.from(lengths));
        for (const [column, length] of lengths.entries()) {
          const of = (m: Float32Array) => m.filter((_, i) => i % 3 === column);
          expect(Math.hypot(...of(scaled))).toBeCloseTo(length, 3);
          const ratios = of(scaled).map((x, i) => x / of(direction)[i]!);
          expect(Math.max(...ratios) / Math.min(...ratios)).toBeCloseTo(1, 4);
        }
      }),
      { seed: 1 },
    );
  });
});
