import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  narrowToBfloat16,
  narrowToFloat16,
  widenBfloat16,
  widenFloat16,
} from '#models/half-floats.ts';

const float16 = (...values: number[]) => [...narrowToFloat16(Float32Array.from(values))];
const float32 = (...bits: number[]) => {
  const out = new Float32Array(bits.length);
  widenFloat16(Uint16Array.from(bits), out);
  return [...out];
};

describe('narrowToFloat16', () => {
  it('gives the bit patterns of IEEE 754 binary16', () => {
    expect(float16(0, -0, 1, -2, 65_504, 2 ** -24, 2 ** -14)).toEqual([
      0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400,
    ]);
  });

  it('rounds ties to the even neighbour', () => {
    expect(float16(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25)).toEqual([
      0x3c00, 0x3c02, 0x0000, 0x0002,
    ]);
  });

  it('carries into the exponent, and from the largest value to infinity', () => {
    expect(float16(2 - 2 ** -12, 65_520, 65_519, 1e30, -Infinity)).toEqual([
      0x4000, 0x7c00, 0x7bff, 0x7c00, 0xfc00,
    ]);
  });

  it('gives the nearest of all 65,536 values (property)', () => {
    const all = new Float32Array(0x7c00);
    widenFloat16(Uint16Array.from(all.keys()), all);
    fc.assert(
      fc.property(fc.float({ min: 0, max: 65_504, noNaN: true }), (value) => {
        const index = float16(value)[0] ?? 0;
        const error = Math.abs((all[index] ?? 0) - value);
        expect(error).toBeLessThanOrEqual(Math.abs((all[index + 1] ?? Infinity) - value));
        expect(error).toBeLessThanOrEqual(Math.abs((all[index - 1] ?? -Infinity) - value));
      }),
    );
  });
});

describe('widenFloat16', () => {
  it('gives back every pattern that narrowToFloat16 reads, NaNs apart', () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const wide = new Float32Array(bits.length);
    widenFloat16(bits, wide);
    const back = narrowToFloat16(wide);
    const isNan = (half: number) => (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
    const wrong = [...bits].filter((half) => !isNan(half) && back[half] !== half);
    expect(wrong).toEqual([]);
    expect([...bits].filter((half) => isNan(half) !== Number.isNaN(wide[half]))).toEqual([]);
  });

  it('agrees with the definition: sign, exponent, fraction', () => {
    expect(float32(0x3555, 0x0001, 0x03ff, 0xfbff)).toEqual([
      2 ** -2 * (1 + 0x155 / 1024),
      2 ** -24,
      1023 * 2 ** -24,
      -65_504,
    ]);
  });
});

describe('narrowToBfloat16', () => {
  it('is exact for values of 8 significant bits (property)', () => {
    fc.assert(
      fc.property(fc.uint16Array({ minLength: 1 }), (bits) => {
        const wide = new Float32Array(bits.length);
        widenBfloat16(bits, wide);
        const again = new Float32Array(bits.length);
        widenBfloat16(narrowToBfloat16(wide), again);
        expect(again).toEqual(wide);
      }),
    );
  });

  it('rounds ties to even and never turns NaN into infinity', () => {
    const words = Uint32Array.of(0x3f808000, 0x3f818000, 0x7f800001, 0x7f7fffff);
    expect([...narrowToBfloat16(new Float32Array(words.buffer))]).toEqual([
      0x3f80, 0x3f82, 0x7fc0, 0x7f80,
    ]);
  });
});
