import { describe, expect, it } from 'vitest';
import { SINC_FILTERS, SINC_KERNEL, sincFilters } from '#models/architectures/sinc-filters.ts';

const BANDS = SINC_FILTERS / 2;
const HALF = (SINC_KERNEL - 1) / 2;

/** Bands of 300 Hz, 150 Hz apart, in the form of the trained numbers: without their minimum of 50 Hz. */
const PARAMETERS = {
  lowHertz: Float32Array.from({ length: BANDS }, (_, band) => 50 + 150 * band),
  bandHertz: new Float32Array(BANDS).fill(250),
  times: Float32Array.from({ length: HALF }, (_, i) => (2 * Math.PI * (i - HALF)) / 16_000),
  window: Float32Array.from(
    { length: HALF },
    (_, i) => 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (SINC_KERNEL - 1)),
  ),
};

/** Size of a filter's answer to a tone. */
function gainAt(filter: Float32Array, hertz: number): number {
  let [real, imaginary] = [0, 0];
  filter.forEach((tap, n) => {
    const phase = (2 * Math.PI * hertz * n) / 16_000;
    real += tap * Math.cos(phase);
    imaginary += tap * Math.sin(phase);
  });
  return Math.hypot(real, imaginary);
}

const filterOf = (all: Float32Array, i: number) =>
  all.subarray(i * SINC_KERNEL, (i + 1) * SINC_KERNEL);

describe('sincFilters', () => {
  const filters = sincFilters(PARAMETERS);

  it('gives 40 even filters with middle tap 1, then 40 odd ones', () => {
    expect(filters).toHaveLength(SINC_FILTERS * SINC_KERNEL);
    for (let band = 0; band < BANDS; band += 1) {
      const [even, odd] = [filterOf(filters, band), filterOf(filters, BANDS + band)];
      expect(even[HALF]).toBe(1);
      expect(odd[HALF]).toBe(0);
      expect(even).toEqual(even.toReversed());
      expect(odd.every((tap, i) => tap === -(odd[SINC_KERNEL - 1 - i] ?? 1))).toBe(true);
    }
  });

  it('passes its band and stops tones 300 Hz beyond the edges', () => {
    for (let band = 0; band < BANDS; band += 1) {
      const low = 100 + 150 * band;
      for (const filter of [filterOf(filters, band), filterOf(filters, BANDS + band)]) {
        const inside = gainAt(filter, low + 150);
        expect(gainAt(filter, low + 600)).toBeLessThan(inside / 50);
        if (low > 300) expect(gainAt(filter, low - 300)).toBeLessThan(inside / 50);
      }
    }
  });

  it('keeps the sign of a trained number out of the band', () => {
    const negated = sincFilters({
      ...PARAMETERS,
      lowHertz: PARAMETERS.lowHertz.map((hertz) => -hertz),
      bandHertz: PARAMETERS.bandHertz.map((hertz) => -hertz),
    });
    expect(negated).toEqual(filters);
  });

  it('refuses parameters of another size', () => {
    const short = { ...PARAMETERS, window: new Float32Array(124) };
    expect(() => sincFilters(short)).toThrow('125 taps, not 124');
  });
});
