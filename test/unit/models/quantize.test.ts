import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantizeBlocks, quantizeColumns } from '#models/quantize.ts';

/** A matrix (outputs, inputs) of numbers of all magnitudes that weights have. */
const matrices = fc
  .record({ outputs: fc.integer({ min: 1, max: 5 }), blocks: fc.integer({ min: 1, max: 4 }) })
  .chain(({ outputs, blocks }) => {
    const inputs = 8 * blocks;
    const value = fc.float({ min: -64, max: 64, noNaN: true });
    return fc
      .array(value, { minLength: outputs * inputs, maxLength: outputs * inputs })
      .map((values) => ({ outputs, inputs, weights: Float32Array.from(values) }));
  });

function largest(values: Float32Array): number {
  return values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

describe('quantizeColumns', () => {
  it('gives each weight back to half a step, a step being 1/127 of its row’s largest', () => {
    fc.assert(
      fc.property(matrices, ({ outputs, inputs, weights }) => {
        const { values, scales } = quantizeColumns(weights, outputs, inputs);
        for (let n = 0; n < outputs; n++) {
          const row = weights.subarray(n * inputs, (n + 1) * inputs);
          const step = largest(row) / 127;
          row.forEach((weight, k) => {
            const restored = values[k * outputs + n]! * scales[n]!;
            expect(Math.abs(restored - weight)).toBeLessThanOrEqual(0.5001 * step);
          });
        }
      }),
    );
  });

  it('uses -127 … 127, never -128: negation stays exact', () => {
    fc.assert(
      fc.property(matrices, ({ outputs, inputs, weights }) => {
        const { values } = quantizeColumns(weights, outputs, inputs);
        const negated = quantizeColumns(
          weights.map((x) => -x),
          outputs,
          inputs,
        ).values;
        expect(Math.min(...values)).toBeGreaterThanOrEqual(-127);
        values.forEach((value, i) => {
          // Halves round upwards on both sides.
          expect(Math.abs(value + negated[i]!)).toBeLessThanOrEqual(1);
        });
      }),
    );
  });

  it('turns (outputs, inputs) into (inputs, outputs)', () => {
    const { values, scales } = quantizeColumns(Float32Array.of(127, 1, 2, 254, 4, -254), 2, 3);
    expect([...values]).toEqual([127, 127, 1, 2, 2, -127]);
    expect([...scales]).toEqual([1, 2]);
  });

  it('gives a row of zeros the scale 1', () => {
    const { values, scales } = quantizeColumns(new Float32Array(3), 1, 3);
    expect([...values]).toEqual([0, 0, 0]);
    expect([...scales]).toEqual([1]);
  });
});

describe('quantizeBlocks', () => {
  it('gives each weight back to half a step of its own block', () => {
    fc.assert(
      fc.property(matrices, ({ outputs, inputs, weights }) => {
        const { values, scales } = quantizeBlocks(weights, outputs, inputs, 8);
        weights.forEach((weight, i) => {
          const block = Math.floor(i / 8);
          const step = largest(weights.subarray(8 * block, 8 * block + 8)) / 127;
          const restored = (values[i]! - 128) * scales[block]!;
          expect(Math.abs(restored - weight)).toBeLessThanOrEqual(0.5001 * step);
        });
      }),
    );
  });

  it('refuses inputs that are no multiple of the block', () => {
    expect(() => quantizeBlocks(new Float32Array(33), 1, 33, 32)).toThrow(
      '33 inputs do not divide into blocks of 32',
    );
  });
});
