import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_STEP, frameCountOf, WINDOW_SAMPLES, windowOf } from '#origin/vad/frame-grid.ts';
import { type PlanLimits, type PlannedWindow, planWindows } from '#origin/vad/plan-windows.ts';
import { arrivingSource, wholeSource } from '#test/support/waveform-source.ts';

const LIMITS = { hopFrames: 148, batchWindows: 16, minSpeechFrames: 6 };
const TEN_SECONDS = windowOf(160_000);

async function planOf(source: Parameters<typeof planWindows>[0], limits: PlanLimits = LIMITS) {
  const windows: PlannedWindow[] = [];
  const totals: (number | null)[] = [];
  for await (const batch of planWindows(source, limits)) {
    expect(batch.windows.length).toBeLessThanOrEqual(limits.batchWindows);
    windows.push(...batch.windows);
    totals.push(batch.totalSamples);
  }
  return { windows, totals };
}

describe('planWindows', () => {
  it('plans no window for 0.05 s, too little for any speech to count', async () => {
    const plan = await planOf(wholeSource(800));
    expect(plan).toEqual({ windows: [], totals: [800] });
  });

  it('plans one short window for 2 s', async () => {
    const { windows } = await planOf(wholeSource(32_000));
    expect(windows).toEqual([{ startFrame: 0, startSample: 0, sampleCount: 32_000 }]);
  });

  it('plans exactly one window for exactly 5 s', async () => {
    const { windows } = await planOf(wholeSource(WINDOW_SAMPLES));
    expect(windows).toEqual([{ startFrame: 0, startSample: 0, sampleCount: WINDOW_SAMPLES }]);
  });

  it('ends the last window with the waveform, at most one frame step short of full', async () => {
    const { windows } = await planOf(wholeSource(300_000));
    const last = windows.at(-1);
    expect((last?.startSample ?? 0) + (last?.sampleCount ?? 0)).toBe(300_000);
    expect(last?.sampleCount).toBeGreaterThan(WINDOW_SAMPLES - FRAME_STEP);
  });

  it('plans windows of 10 s for a model that takes 10 s', async () => {
    const limits = { ...LIMITS, window: TEN_SECONDS };
    const { windows } = await planOf(wholeSource(200_000), limits);
    expect(windows).toEqual([
      { startFrame: 0, startSample: 0, sampleCount: 160_000 },
      { startFrame: 148, startSample: 39_960, sampleCount: 160_000 },
      { startFrame: 149, startSample: 40_230, sampleCount: 159_770 },
    ]);
    const short = await planOf(wholeSource(100_000), limits);
    expect(short.windows).toEqual([{ startFrame: 0, startSample: 0, sampleCount: 100_000 }]);
  });

  it('covers every sample, in order, with steps of at most the hop', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2_200, max: 1_500_000 }),
        fc.integer({ min: 1, max: 293 }),
        fc.integer({ min: 1, max: 16 }),
        fc.constantFrom(80_000, 160_000),
        async (sampleCount, hopFrames, batchWindows, windowSamples) => {
          const window = windowOf(windowSamples);
          const limits = {
            hopFrames: Math.max(hopFrames, 20),
            batchWindows,
            minSpeechFrames: 6,
            window,
          };
          const { windows, totals } = await planOf(wholeSource(sampleCount), limits);
          expect(windows[0]?.startFrame).toBe(0);
          let end = 0;
          windows.forEach(({ startFrame, startSample, sampleCount: length }, i) => {
            const previous = windows[i - 1]?.startFrame ?? startFrame - 1;
            expect(startFrame - previous).toBeGreaterThan(0);
            expect(startFrame - previous).toBeLessThanOrEqual(limits.hopFrames);
            expect(startSample).toBe(startFrame * FRAME_STEP);
            expect(length).toBeLessThanOrEqual(windowSamples);
            end = startSample + length;
          });
          expect(end).toBe(sampleCount);
          expect(totals.filter((total) => total !== null)).toEqual([sampleCount]);
          expect(frameCountOf(sampleCount)).toBeGreaterThan(windows.at(-1)?.startFrame ?? 0);
        },
      ),
    );
  });

  it('plans the same windows however the waveform arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 800_000 }),
        fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 20 }),
        fc.boolean(),
        async (sampleCount, surplus, endsLate) => {
          const arriving = await planOf(arrivingSource({ sampleCount, surplus, endsLate }));
          expect(arriving.windows).toEqual((await planOf(wholeSource(sampleCount))).windows);
        },
      ),
    );
  });

  it('refuses a source that gives less than asked for and has not ended', async () => {
    const source = { path: '/x', available: async () => ({ sampleCount: 10, ended: false }) };
    await expect(planOf(source)).rejects.toThrow('10 of 80000');
  });
});
