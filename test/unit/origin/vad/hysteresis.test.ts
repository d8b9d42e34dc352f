import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FrameRegion, SpeechHysteresis } from '#origin/vad/hysteresis.ts';

const LIMITS = {
  onset: 0.5,
  offset: 0.363,
  minSpeechFrames: 2,
  minSilenceFrames: 2,
  maxRegionFrames: 10,
};

function regionsOf(probabilities: readonly number[], limits = LIMITS): [number, number][] {
  const hysteresis = new SpeechHysteresis(limits);
  const regions: (FrameRegion | null)[] = probabilities.map((p) => hysteresis.push(p));
  regions.push(hysteresis.end());
  return regions.filter((r) => r !== null).map((r) => [r.startFrame, r.endFrame]);
}

describe('SpeechHysteresis', () => {
  it('opens above the onset and closes below the offset only', () => {
    expect(regionsOf([0.5, 0.51, 0.4, 0.363, 0.36, 0.4, 0.4])).toEqual([[1, 4]]);
  });

  it('fills a pause shorter than the shortest silence', () => {
    expect(regionsOf([0.9, 0, 0.9, 0, 0, 0.9, 0.9])).toEqual([
      [0, 3],
      [5, 7],
    ]);
  });

  it('fills pauses before it drops what is too short', () => {
    expect(regionsOf([0.9, 0, 0.9, 0, 0, 0, 0.9, 0, 0])).toEqual([[0, 3]]);
  });

  it('keeps a region open until the last frame', () => {
    expect(regionsOf([0, 0.9, 0.9])).toEqual([[1, 3]]);
  });

  it('ends a region before a pause that is still open at the end', () => {
    expect(regionsOf([0.9, 0.9, 0])).toEqual([[0, 2]]);
  });

  it('cuts a region that is too long at the least likely frame of its second half', () => {
    const speech = [0.9, 0.6, 0.9, 0.9, 0.9, 0.9, 0.9, 0.7, 0.9, 0.9, 0.9, 0.9];
    expect(regionsOf(speech)).toEqual([
      [0, 7],
      [7, 12],
    ]);
  });

  it('cuts the rest again by its own probabilities', () => {
    const speech = Array.from({ length: 20 }, () => 0.9);
    speech[6] = 0.7;
    speech[13] = 0.6;
    expect(regionsOf(speech)).toEqual([
      [0, 6],
      [6, 13],
      [13, 20],
    ]);
  });

  it('keeps the rest after a cut however short it is', () => {
    const speech = [...Array.from({ length: 10 }, () => 0.9), 0.8];
    expect(regionsOf(speech, { ...LIMITS, minSpeechFrames: 5 })).toEqual([
      [0, 10],
      [10, 11],
    ]);
  });

  it('tells from where on nothing is decided', () => {
    const hysteresis = new SpeechHysteresis(LIMITS);
    const horizons = [0, 0.9, 0.9, 0, 0, 0].map((p) => {
      hysteresis.push(p);
      return hysteresis.horizonFrame;
    });
    expect(horizons).toEqual([1, 1, 1, 1, 5, 6]);
  });

  it('gives ordered regions within the limits, which hold every frame above the onset that lasts', () => {
    const probability = fc.constantFrom(0, 0.2, 0.36, 0.4, 0.5, 0.6, 0.8, 1);
    fc.assert(
      fc.property(fc.array(probability, { maxLength: 120 }), (probabilities) => {
        const limits = { ...LIMITS, minSpeechFrames: 0 };
        const regions = regionsOf(probabilities, limits);
        const covered = new Set<number>();
        let end = 0;
        for (const [startFrame, endFrame] of regions) {
          expect(startFrame).toBeGreaterThanOrEqual(end);
          expect(endFrame).toBeGreaterThan(startFrame);
          expect(endFrame - startFrame).toBeLessThanOrEqual(LIMITS.maxRegionFrames);
          for (let i = startFrame; i < endFrame; i += 1) covered.add(i);
          end = endFrame;
        }
        probabilities.forEach((p, i) => {
          if (p > LIMITS.onset) expect(covered.has(i)).toBe(true);
        });
      }),
    );
  });
});
