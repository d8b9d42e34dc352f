import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fillPartial,
  PARTIAL_SAMPLES,
  planPartials,
  planPieces,
  repeatToPartial,
} from '#origin/engine/graphs/plan-partials.ts';

const HEARD_SAMPLES = 160 * 160;
const MARGIN = 200;
/** First frames as Resemblyzer counts them. */
const framesOf = (samples: number) => planPartials(samples).map((at) => (at + MARGIN) / 160);

describe('planPartials', () => {
  // Golden values: VoiceEncoder.compute_partial_slices(n, rate=1.3, min_coverage=0.75) of Resemblyzer 0.1.4.
  it.each([
    [1, [0]],
    [8_000, [0]],
    [25_600, [0]],
    [31_519, [0]],
    [31_520, [0, 77]],
    [48_000, [0, 77, 154]],
    [59_200, [0, 77, 154, 231]],
    [88_000, [0, 77, 154, 231, 308, 385]],
  ])('cuts %i samples where Resemblyzer does', (samples, frames) => {
    expect(framesOf(samples)).toEqual(frames);
  });

  it('begins a partial every 0.77 s and hears three quarters of each, but for a single one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (samples) => {
        const starts = planPartials(samples);
        expect(starts).toEqual(starts.map((_, i) => i * 77 * 160 - MARGIN));
        const last = (starts.at(-1) ?? 0) + MARGIN;
        if (starts.length > 1) expect(samples - last).toBeGreaterThanOrEqual(0.75 * HEARD_SAMPLES);
        expect(samples - last).toBeLessThan(1.25 * HEARD_SAMPLES);
      }),
    );
  });
});

describe('repeatToPartial', () => {
  it('says a short voice again until the partial is full', () => {
    const repeated = repeatToPartial(Float32Array.of(1, 2, 3));
    expect(repeated).toHaveLength(HEARD_SAMPLES);
    expect([...repeated.subarray(0, 7)]).toEqual([1, 2, 3, 1, 2, 3, 1]);
  });

  it('leaves a voice of 1.6 s or more as it is', () => {
    const voice = new Float32Array(HEARD_SAMPLES).fill(0.5);
    expect(repeatToPartial(voice)).toBe(voice);
  });
});

describe('fillPartial', () => {
  it('leaves silence before the first sample and after the last', () => {
    const target = new Float32Array(6);
    fillPartial(target, Float32Array.of(1, 2, 3), -2);
    expect([...target]).toEqual([0, 0, 1, 2, 3, 0]);
  });

  it('copies the middle of a longer voice', () => {
    const target = new Float32Array(2);
    fillPartial(target, Float32Array.of(1, 2, 3, 4), 1);
    expect([...target]).toEqual([2, 3]);
  });

  it('leaves a partial beyond the voice silent', () => {
    const target = new Float32Array(PARTIAL_SAMPLES);
    fillPartial(target, Float32Array.of(1), 100);
    expect(target.every((sample) => sample === 0)).toBe(true);
  });
});

describe('planPieces', () => {
  it('gives pieces of one length, at most 20 s, and leaves fewer samples than pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000 }), (samples) => {
        const pieces = planPieces(samples);
        const [{ sampleCount } = { sampleCount: 0 }] = pieces;
        expect(sampleCount).toBeLessThanOrEqual(20 * 16_000);
        expect(pieces).toEqual(
          pieces.map((_, i) => ({ firstSample: i * sampleCount, sampleCount })),
        );
        const left = samples - pieces.length * sampleCount;
        expect(left).toBeGreaterThanOrEqual(0);
        expect(left).toBeLessThan(pieces.length);
      }),
    );
  });
});
