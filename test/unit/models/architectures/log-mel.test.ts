import { describe, expect, it } from 'vitest';
import { melFilters } from '#models/architectures/log-mel.ts';

const BINS = 201;
const HERTZ_PER_BIN = 40;

function rowsOf(melBins: number): Float32Array[] {
  const filters = melFilters(melBins);
  return Array.from({ length: melBins }, (_, m) => filters.subarray(m * BINS, (m + 1) * BINS));
}

/** Hertz on Slaney's scale, computed the other way round than in the source: by counting up from its definition. */
function centreOf(melBins: number, index: number): number {
  const mel = ((15 + Math.log(8) / (Math.log(6.4) / 27)) * (index + 1)) / (melBins + 1);
  return mel < 15 ? (mel * 200) / 3 : 1000 * 6.4 ** ((mel - 15) / 27);
}

describe.each([80, 128])('melFilters(%i)', (melBins) => {
  const rows = rowsOf(melBins);

  it('gives a triangle for each mel bin: non-negative, one rise, one fall', () => {
    expect(rows).toHaveLength(melBins);
    for (const row of rows) {
      const support = [...row.keys()].filter((k) => row[k]! > 0);
      expect(support.length).toBeGreaterThan(0);
      expect(support.at(-1)! - support[0]! + 1).toBe(support.length);
      const peak = row.indexOf(Math.max(...row));
      for (const k of support.slice(1)) {
        if (k <= peak) expect(row[k]).toBeGreaterThanOrEqual(row[k - 1]!);
        else expect(row[k]).toBeLessThanOrEqual(row[k - 1]!);
      }
    }
  });

  it('peaks beside the centre frequency of the bin', () => {
    rows.forEach((row, m) => {
      const peak = row.indexOf(Math.max(...row)) * HERTZ_PER_BIN;
      expect(Math.abs(peak - centreOf(melBins, m))).toBeLessThanOrEqual(HERTZ_PER_BIN);
    });
  });

  it('gives every triangle the area 1, within 2 % where it spans 8 bins or more', () => {
    const wide = rows.filter((row) => row.filter((x) => x > 0).length >= 8);
    expect(wide.length).toBeGreaterThan(5);
    for (const row of wide) {
      const area = row.reduce((sum, x) => sum + x, 0) * HERTZ_PER_BIN;
      expect(Math.abs(area - 1)).toBeLessThan(0.02);
    }
  });

  it('leaves out 0 Hz and 8 kHz', () => {
    for (const row of rows) {
      expect(row[0]).toBe(0);
      expect(row[BINS - 1]).toBeCloseTo(0, 6);
    }
  });
});

// Golden values: transformers 4.57.6, mel_filter_bank(201, n, 0, 8000, 16000, norm='slaney', mel_scale='slaney').
const PEAKS: Record<80 | 128, [number, number, number][]> = {
  80: [
    [0, 1, 0.02486259],
    [1, 2, 0.02287177],
    [20, 20, 0.01389039],
    [40, 43, 0.01473557],
    [60, 93, 0.00659109],
    [79, 192, 0.00316471],
  ],
  128: [
    [0, 1, 0.01237399],
    [1, 1, 0.03039256],
    [32, 19, 0.02149357],
    [64, 43, 0.01809152],
    [96, 92, 0.00892296],
    [127, 195, 0.0050416],
  ],
};

describe.each([80, 128] as const)('melFilters(%i), against transformers', (melBins) => {
  it.each(PEAKS[melBins])('has the peak of mel bin %i at bin %i: %f', (m, k, value) => {
    const row = rowsOf(melBins)[m]!;
    expect(row.indexOf(Math.max(...row))).toBe(k);
    expect(row[k]).toBeCloseTo(value, 7);
  });

  it('has the same sum', () => {
    const sum = melFilters(melBins).reduce((total, x) => total + x, 0);
    expect(sum).toBeCloseTo(melBins === 80 ? 1.999024 : 3.190986, 5);
  });
});
