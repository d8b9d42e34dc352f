import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import type { Emissions } from '#origin/engine/protocol.ts';
import {
  cutAtPauses,
  type EmissionJob,
  longEmissions,
  MAX_EMISSION_SAMPLES,
} from '#origin/pipeline/long-emissions.ts';

const RATE = 16_000;
const FRAME = 320;

const seconds = (startSeconds: number, endSeconds: number) => ({
  startSample: startSeconds * RATE,
  endSample: endSeconds * RATE,
});

/** A model whose only column is the time of each frame, as wav2vec2 counts frames. */
function clockEngine(spans: { startSample: number; sampleCount: number }[]) {
  const emissions: EngineScheduler['emissions'] = async ({ item: { span } }) => {
    spans.push(span);
    const frames = Math.max(0, Math.floor((span.sampleCount - 400) / FRAME) + 1);
    const logProbs = Float32Array.from({ length: 2 * frames }, (_, i) =>
      i % 2 === 0 ? (span.startSample + (i / 2) * FRAME) / RATE : 0,
    );
    return { logProbs, frames, frameSamples: FRAME } satisfies Emissions;
  };
  return { scheduler: { emissions }, waveform: { path: '/w' } } as unknown as EmissionJob;
}

describe('cutAtPauses', () => {
  it('cuts in the middle of the last pause that fits', () => {
    const regions = [seconds(0, 12), seconds(13, 25), seconds(26, 40)];
    const [first, second] = cutAtPauses(seconds(0, 40), regions);
    expect(first).toEqual(seconds(0, 25.5));
    expect(second).toEqual(seconds(25.5, 40));
  });

  it('leaves no gap, and no part that is longer than the engine takes or hardly anything', () => {
    const anyRegions = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 * RATE }), anyRegions, (length, cuts) => {
        const starts = [...new Set(cuts)].sort((a, b) => a - b);
        const regions = starts.map((at) => seconds(at, at + 0.5));
        const parts = cutAtPauses({ startSample: 0, endSample: length }, regions);
        expect(parts[0]?.startSample).toBe(0);
        expect(parts.at(-1)?.endSample).toBe(length);
        for (const [i, { startSample, endSample }] of parts.entries()) {
          if (i > 0) expect(startSample).toBe(parts[i - 1]?.endSample);
          const isLast = i === parts.length - 1;
          expect(endSample - startSample + (isLast ? 0 : 80)).toBeLessThanOrEqual(
            MAX_EMISSION_SAMPLES,
          );
          if (parts.length > 1) expect(endSample - startSample).toBeGreaterThan(9 * RATE);
        }
      }),
    );
  });
});

describe('longEmissions', () => {
  it('gives frames on one grid, each where it is heard', async () => {
    const spans: { startSample: number; sampleCount: number }[] = [];
    const range = seconds(3, 98);
    const regions = [seconds(3, 20), seconds(21.03, 47), seconds(49, 97)];
    const stretch = { model: 'align', range, columns: [1], regions };
    const { logProbs, frames } = await longEmissions(stretch, {
      job: clockEngine(spans),
      context: {} as never,
    });
    expect(spans.length).toBeGreaterThan(3);
    expect(Math.max(...spans.map(({ sampleCount }) => sampleCount))).toBeLessThanOrEqual(
      MAX_EMISSION_SAMPLES,
    );
    for (let frame = 0; frame < frames; frame += 1) {
      expect(logProbs[2 * frame]).toBeCloseTo(3 + (frame * FRAME) / RATE, 4);
    }
    expect(frames).toBeGreaterThanOrEqual((95 * RATE) / FRAME - 2);
  });
});
