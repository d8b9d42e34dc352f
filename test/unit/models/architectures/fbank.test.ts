import { describe, expect, it } from 'vitest';
import {
  FBANK_BINS,
  FBANK_FRAME_SAMPLES,
  kaldiBasis,
  kaldiMelFilters,
} from '#models/architectures/fbank.ts';

const BINS = 256;
const HERTZ_PER_BIN = 16_000 / 512;

describe('kaldiMelFilters', () => {
  const filters = kaldiMelFilters();
  const rows = Array.from({ length: FBANK_BINS }, (_, m) =>
    filters.subarray(m * BINS, (m + 1) * BINS),
  );

  it('gives 80 triangles, none higher than 1', () => {
    for (const row of rows) {
      expect(Math.min(...row)).toBe(0);
      expect(Math.max(...row)).toBeGreaterThan(0.2);
      expect(Math.max(...row)).toBeLessThanOrEqual(1);
    }
  });

  it('adds up to 1 in each bin between the first centre and the last', () => {
    for (let k = 3; k < 240; k++) {
      const sum = rows.reduce((total, row) => total + row[k]!, 0);
      expect(sum).toBeCloseTo(1, 5);
    }
  });

  it('hears nothing below 20 Hz', () => {
    for (const row of rows) expect(row[0]).toBe(0);
  });
});

describe('kaldiBasis', () => {
  const basis = kaldiBasis();
  const power = (frame: (n: number) => number, k: number) => {
    let [real, imaginary] = [0, 0];
    for (let n = 0; n < FBANK_FRAME_SAMPLES; n++) {
      real += frame(n) * basis[k * FBANK_FRAME_SAMPLES + n]!;
      imaginary += frame(n) * basis[(BINS + k) * FBANK_FRAME_SAMPLES + n]!;
    }
    return real * real + imaginary * imaginary;
  };

  it('does not hear a constant', () => {
    for (const k of [0, 1, 10, 100]) expect(power(() => 1, k)).toBeLessThan(1);
  });

  it.each([500, 2_000, 6_000])('hears a tone of %i Hz in its own bin', (hertz) => {
    const tone = (n: number) => Math.sin((2 * Math.PI * hertz * n) / 16_000);
    const powers = Array.from({ length: BINS }, (_, k) => power(tone, k));
    expect(powers.indexOf(Math.max(...powers))).toBe(hertz / HERTZ_PER_BIN);
  });

  it('emphasises high tones: 6 kHz by 15 dB or more over 500 Hz', () => {
    const at = (hertz: number) =>
      power((n) => Math.sin((2 * Math.PI * hertz * n) / 16_000), hertz / HERTZ_PER_BIN);
    expect(10 * Math.log10(at(6_000) / at(500))).toBeGreaterThan(15);
  });
});
