import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evenLevel } from '#origin/engine/graphs/even-level.ts';

const decibels = (samples: Float32Array) =>
  10 * Math.log10(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);

describe('evenLevel', () => {
  it('brings any voice above -87 dBFS to -27 dBFS', () => {
    fc.assert(
      fc.property(fc.double({ min: -86, max: 20, noNaN: true }), (level) => {
        const voice = Float32Array.from({ length: 1_000 }, (_, i) => Math.sin(i));
        const scaled = voice.map((x) => x * 10 ** ((level - decibels(voice)) / 20));
        expect(decibels(evenLevel(scaled))).toBeCloseTo(-27, 3);
      }),
    );
  });

  it('raises by 60 dB at most', () => {
    const [first = 0] = evenLevel(new Float32Array(10).fill(1e-6));
    expect(first).toBeCloseTo(1e-3, 8);
  });

  it('leaves silence silent, without samples too', () => {
    expect(evenLevel(new Float32Array(5))).toEqual(new Float32Array(5));
    expect(evenLevel(new Float32Array())).toHaveLength(0);
  });

  it('takes broken numbers for silence', () => {
    const leveled = evenLevel(Float32Array.of(0.1, Number.NaN, Number.NEGATIVE_INFINITY, -0.1));
    expect([leveled[1], leveled[2]]).toEqual([0, 0]);
    expect(leveled[0]).toBeGreaterThan(0);
  });

  it('does not change its input', () => {
    const voice = Float32Array.of(0.25, -0.25);
    evenLevel(voice);
    expect([...voice]).toEqual([0.25, -0.25]);
  });
});
