import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halve, joinParts, speechSeconds } from '#origin/pipeline/cut-chunk.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';

/** A chunk of regions given as [start, end] seconds, with 0.2 s around. */
function chunkOf(...regions: readonly (readonly [number, number])[]): SpeechChunk {
  const ranges = regions.map(([start, end]) => ({
    startSample: Math.round(start * 16_000),
    endSample: Math.round(end * 16_000),
  }));
  const [first, last] = [ranges[0]!, ranges.at(-1)!];
  return {
    startSample: first.startSample - 3200,
    endSample: last.endSample + 3200,
    regions: ranges,
  };
}

describe('halve', () => {
  it('cuts at the pause in the middle and leaves each part a little of it', () => {
    const halves = halve(chunkOf([1, 5], [6, 10]), 2);
    expect(halves).toEqual([chunkOf([1, 5]), chunkOf([6, 10])]);
  });

  it('gives each part half of a pause that is too short for more', () => {
    const [left, right] = halve(chunkOf([1, 5], [5.1, 10]), 2) ?? [];
    expect(left?.endSample).toBe(5.05 * 16_000);
    expect(right?.startSample).toBe(5.05 * 16_000);
  });

  it('prefers a long pause to one nearer the middle', () => {
    const [left] = halve(chunkOf([1, 4], [5, 7], [7.1, 10]), 2) ?? [];
    expect(left?.regions).toHaveLength(1);
  });

  it('gives null where no pause has enough speech on both sides', () => {
    expect(halve(chunkOf([0.5, 29]), 2)).toBeNull();
    expect(halve(chunkOf([0.5, 2], [3, 12]), 2)).toBeNull();
  });

  it('loses no speech, and its halves joined are the chunk again', () => {
    const lengths = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 50_000 })),
      { minLength: 1, maxLength: 10 },
    );
    fc.assert(
      fc.property(lengths, fc.double({ min: 0, max: 3, noNaN: true }), (drawn, least) => {
        let at = 5000;
        const regions = drawn.map(([length, pause]) => {
          const region = { startSample: at, endSample: at + length };
          at += length + pause;
          return region;
        });
        const chunk = { startSample: 1800, endSample: at + 3200, regions };
        const halves = halve(chunk, least);
        if (halves === null) return;
        const [left, right] = halves;
        expect(joinParts(left, right)).toEqual(chunk);
        expect(left.endSample).toBeLessThanOrEqual(right.startSample);
        for (const half of halves) expect(speechSeconds(half)).toBeGreaterThanOrEqual(least - 1e-9);
      }),
    );
  });
});
