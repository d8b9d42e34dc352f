import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SampleRange, type SplitLimits, splitSpeech } from '#origin/voxtral/split.ts';

const LIMITS: SplitLimits = {
  maxSamples: 1000,
  minSilenceSamples: 20,
  maxGapSamples: 400,
  padSamples: 10,
  overlapSamples: 60,
};

/** Regions from pairs of pause and speech. */
function regionsOf(parts: readonly (readonly [pause: number, speech: number])[]): SampleRange[] {
  let at = 0;
  return parts.map(([pause, speech]) => {
    const startSample = at + pause;
    at = startSample + speech;
    return { startSample, endSample: at };
  });
}

const anyRegions = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 1, max: 3000 })), {
    maxLength: 40,
  })
  .map(regionsOf);

function totalOf(regions: readonly SampleRange[], rest: number): number {
  return (regions.at(-1)?.endSample ?? 0) + rest;
}

describe('splitSpeech', () => {
  it('gives no piece without speech', () => {
    expect(splitSpeech([], 5000, LIMITS)).toEqual([]);
  });

  it('keeps in one piece what fits, with a little audio around it', () => {
    const regions = regionsOf([
      [100, 200],
      [50, 300],
    ]);
    expect(splitSpeech(regions, 2000, LIMITS)).toEqual([
      { startSample: 90, endSample: 660, overlapSamples: 0, regions },
    ]);
  });

  it('cuts in the longest of the pauses that balance the pieces', () => {
    const regions = regionsOf([
      [0, 480],
      [30, 100],
      [200, 480],
    ]);
    const pieces = splitSpeech(regions, 1300, LIMITS);
    expect(pieces.map(({ startSample, endSample }) => [startSample, endSample])).toEqual([
      [0, 620],
      [800, 1300],
    ]);
  });

  it('makes pieces of about the same length', () => {
    const regions = regionsOf(Array.from({ length: 51 }, () => [30, 70] as const));
    const lengths = splitSpeech(regions, 5100, LIMITS).map((p) => p.endSample - p.startSample);
    expect(lengths).toHaveLength(6);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(200);
  });

  it('leaves out a long silence', () => {
    const regions = regionsOf([
      [0, 100],
      [401, 100],
    ]);
    expect(splitSpeech(regions, 700, LIMITS)).toHaveLength(2);
  });

  it('overlaps only where speech goes on without a pause', () => {
    const pieces = splitSpeech([{ startSample: 0, endSample: 1800 }], 1800, LIMITS);
    expect(pieces.map(({ overlapSamples }) => overlapSamples)).toEqual([0, 60]);
    expect(pieces[1]!.startSample).toBe(pieces[0]!.endSample - 60);
  });

  it('prefers a short pause to a cut inside speech', () => {
    const regions = regionsOf([
      [0, 300],
      [20, 900],
    ]);
    expect(splitSpeech(regions, 1300, LIMITS).map((p) => p.overlapSamples)).toEqual([0, 0]);
  });

  it('refuses limits that leave no room', () => {
    expect(() => splitSpeech([], 10, { ...LIMITS, maxSamples: 320 })).toThrow(RangeError);
  });

  it('never makes a piece too long, and never leaves the waveform', () => {
    fc.assert(
      fc.property(anyRegions, fc.nat({ max: 100 }), (regions, rest) => {
        const total = totalOf(regions, rest);
        for (const { startSample, endSample } of splitSpeech(regions, total, LIMITS)) {
          expect(endSample - startSample).toBeLessThanOrEqual(LIMITS.maxSamples);
          expect(startSample).toBeGreaterThanOrEqual(0);
          expect(endSample).toBeLessThanOrEqual(total);
        }
      }),
    );
  });

  it('has every sample of speech in a piece, and only told overlaps in two', () => {
    fc.assert(
      fc.property(anyRegions, (regions) => {
        const pieces = splitSpeech(regions, totalOf(regions, 0), LIMITS);
        const heard = pieces.reduce(
          (sum, piece) => sum + piece.regions.reduce((n, r) => n + r.endSample - r.startSample, 0),
          0,
        );
        const spoken = regions.reduce((n, r) => n + r.endSample - r.startSample, 0);
        const shared = pieces.reduce((sum, { overlapSamples }) => sum + overlapSamples, 0);
        expect(heard).toBeGreaterThanOrEqual(spoken);
        expect(heard).toBeLessThanOrEqual(spoken + shared);
        for (const [i, piece] of pieces.entries()) {
          const before = pieces[i - 1]?.endSample ?? 0;
          expect(before - piece.startSample).toBeLessThanOrEqual(piece.overlapSamples);
        }
      }),
    );
  });

  it('cuts inside speech only where no pause is near enough', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 20, max: 90 }), fc.integer({ min: 1, max: 400 })), {
          maxLength: 60,
        }),
        (parts) => {
          const regions = regionsOf(parts);
          const pieces = splitSpeech(regions, totalOf(regions, 0), LIMITS);
          expect(pieces.every(({ overlapSamples }) => overlapSamples === 0)).toBe(true);
        },
      ),
    );
  });
});
