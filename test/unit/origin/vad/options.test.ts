import { describe, expect, it } from 'vitest';
import { windowOf } from '#origin/vad/frame-grid.ts';
import { DEFAULT_VAD_OPTIONS, toVadLimits } from '#origin/vad/options.ts';

describe('toVadLimits', () => {
  it('gives the defaults in frames and samples', () => {
    expect(toVadLimits(DEFAULT_VAD_OPTIONS)).toMatchObject({
      minSpeechFrames: 6,
      minSilenceFrames: 6,
      maxChunkSamples: 480_000,
    });
  });

  it('lets a hop of 5 s lay the windows side by side', () => {
    expect(toVadLimits({ ...DEFAULT_VAD_OPTIONS, hopSeconds: 5 }).hopFrames).toBe(293);
  });

  it('lets a hop be as long as the window of the model', () => {
    const options = { ...DEFAULT_VAD_OPTIONS, window: windowOf(160_000) };
    expect(toVadLimits({ ...options, hopSeconds: 10 }).hopFrames).toBe(589);
    expect(() => toVadLimits({ ...options, hopSeconds: 10.1 })).toThrow('option hopSeconds =');
  });

  it('gives each call as much audio, and keeps every other limit, whatever the window', () => {
    const window = windowOf(160_000);
    const longer = toVadLimits({ ...DEFAULT_VAD_OPTIONS, window });
    expect(longer).toEqual({ ...toVadLimits(DEFAULT_VAD_OPTIONS), window, batchWindows: 8 });
    const single = { ...DEFAULT_VAD_OPTIONS, window, batchWindows: 1 };
    expect(toVadLimits(single).batchWindows).toBe(1);
  });

  it.each([
    { onset: 0 },
    { onset: 1 },
    { offset: 0.6 },
    { offset: 0 },
    { hopSeconds: 5.1 },
    { hopSeconds: 0 },
    { minSpeechSeconds: -1 },
    { minSilenceSeconds: Number.NaN },
    { padSeconds: -0.1 },
    { maxGapSeconds: 0.1 },
    { maxChunkSeconds: 0.4 },
    { batchWindows: 17 },
    { batchWindows: 1.5 },
  ])('refuses %o and names the option', (wrong) => {
    const name = Object.keys(wrong)[0];
    expect(() => toVadLimits({ ...DEFAULT_VAD_OPTIONS, ...wrong })).toThrow(`option ${name} =`);
  });
});
