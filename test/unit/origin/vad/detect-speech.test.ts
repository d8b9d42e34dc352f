import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AudioSpan, SegmentResult } from '#origin/engine/protocol.ts';
import type { SampleRange, SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import { detectSpeech, type Segment } from '#origin/vad/detect-speech.ts';
import { windowOf } from '#origin/vad/frame-grid.ts';
import type { WaveformSource } from '#origin/vad/plan-windows.ts';
import { arrivingSource, wholeSource } from '#test/support/waveform-source.ts';

const FRAMES = 293;
const SPEAKERS = 3;

/** Activations of a recording whose speech is known: likely inside, unlikely outside, and a little unsure everywhere. */
function segmentOf(speech: readonly SampleRange[], frames = FRAMES): Segment {
  return async (windows) => {
    const activations = new Float32Array(windows.length * frames * SPEAKERS);
    windows.forEach(({ startSample }, window) => {
      for (let frame = 0; frame < frames; frame += 1) {
        const centre = startSample + 495 + frame * 270;
        const isSpeech = speech.some((r) => r.startSample <= centre && centre < r.endSample);
        const unsure = ((centre * 7919 + startSample * 31) % 101) / 1010;
        const row = (window * frames + frame) * SPEAKERS;
        activations[row + (startSample % SPEAKERS)] = isSpeech ? 0.9 - unsure : 0.1 + unsure;
      }
    });
    return { activations, frames, speakers: SPEAKERS };
  };
}

async function chunksOf(
  source: WaveformSource,
  segment: Segment,
  options: Parameters<typeof detectSpeech>[2] = {},
): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  for await (const chunk of detectSpeech(source, segment, options)) chunks.push(chunk);
  return chunks;
}

const seconds = (value: number) => Math.round(value * 16_000);
const spoken = (start: number, end: number): SampleRange => ({
  startSample: seconds(start),
  endSample: seconds(end),
});

/** Speech and pauses in turn, in samples. */
const turnsOf = (shortest: number, longest: number) =>
  fc
    .array(fc.integer({ min: shortest, max: longest }), { minLength: 1, maxLength: 12 })
    .map((lengths) => {
      const speech: SampleRange[] = [];
      let end = 0;
      lengths.forEach((length, i) => {
        if (i % 2 === 1) speech.push({ startSample: end, endSample: end + length });
        end += length;
      });
      return { speech, sampleCount: end };
    });

const recording = turnsOf(300, 700_000);
/** No turn has to be cut, for which the least likely of many like frames is sought; no pause is filled. */
const shortTurns = turnsOf(2_500, 400_000);

const arrival = fc.record({
  surplus: fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 30 }),
  endsLate: fc.boolean(),
});

describe('detectSpeech', () => {
  it('finds speech to within one frame', async () => {
    const chunks = await chunksOf(wholeSource(seconds(20)), segmentOf([spoken(3, 7)]));
    expect(chunks).toHaveLength(1);
    const region = chunks[0]?.regions[0];
    expect(Math.abs((region?.startSample ?? 0) - seconds(3))).toBeLessThanOrEqual(135);
    expect(Math.abs((region?.endSample ?? 0) - seconds(7))).toBeLessThanOrEqual(135);
  });

  it('gives no chunk for silence', async () => {
    expect(await chunksOf(wholeSource(seconds(600)), segmentOf([]))).toEqual([]);
  });

  it.each([0, 1, 495, 800])('gives no chunk for %i samples and asks no model', async (samples) => {
    const segment: Segment = () => Promise.reject(new Error('asked'));
    expect(await chunksOf(wholeSource(samples), segment)).toEqual([]);
  });

  it('lets speech last from the first to the last sample of a clip shorter than a window', async () => {
    const chunks = await chunksOf(wholeSource(30_001), segmentOf([spoken(0, 5)]));
    const whole = { startSample: 0, endSample: 30_001 };
    expect(chunks).toEqual([{ ...whole, regions: [whole] }]);
  });

  it('asks for at most 16 windows a call, each within the waveform and at most 5 s', async () => {
    const calls: AudioSpan[][] = [];
    const segment: Segment = (windows) => {
      calls.push(windows);
      return segmentOf([])(windows);
    };
    await chunksOf(wholeSource(seconds(200), '/spool'), segment);
    expect(calls.map((call) => call.length)).toEqual([16, 16, 16, 16, 16]);
    for (const { path, startSample, sampleCount } of calls.flat()) {
      expect(path).toBe('/spool');
      expect(sampleCount).toBeLessThanOrEqual(80_000);
      expect(startSample + sampleCount).toBeLessThanOrEqual(seconds(200));
    }
  });

  it('gives the first chunk before the recording is over', async () => {
    let read = 0;
    const source = wholeSource(seconds(3_600));
    const segment: Segment = (windows) => {
      read += windows.length;
      return segmentOf([spoken(1, 3), spoken(3_000, 3_001)])(windows);
    };
    const first = await detectSpeech(source, segment).next();
    expect(first.value).toMatchObject({ regions: [{}] });
    expect(read).toBe(16);
  });

  it('passes on what the model throws', async () => {
    const segment: Segment = () => Promise.reject(new Error('engine is gone'));
    await expect(chunksOf(wholeSource(seconds(9)), segment)).rejects.toThrow('engine is gone');
  });

  it('refuses activations of another shape', async () => {
    const segment: Segment = async (): Promise<SegmentResult> => ({
      activations: new Float32Array(589 * 7),
      frames: 589,
      speakers: 7,
    });
    await expect(chunksOf(wholeSource(seconds(5)), segment)).rejects.toThrow('589 frames');
  });

  it('refuses the activations of windows of another length than it asked for', async () => {
    const window = windowOf(160_000);
    const source = wholeSource(seconds(20));
    await expect(chunksOf(source, segmentOf([]), { window })).rejects.toThrow('589 frames a');
  });

  it('asks for windows of 10 s where the model takes 10 s', async () => {
    const calls: AudioSpan[][] = [];
    const segment: Segment = (windows) => {
      calls.push(windows);
      return segmentOf([], 589)(windows);
    };
    await chunksOf(wholeSource(seconds(60)), segment, { window: windowOf(160_000) });
    expect(calls.map((call) => call.length)).toEqual([8, 8, 6]);
    const last = calls.at(-1)?.at(-1);
    expect(calls[0]?.[0]).toMatchObject({ startSample: 0, sampleCount: 160_000 });
    expect((last?.startSample ?? 0) + (last?.sampleCount ?? 0)).toBe(seconds(60));
  });

  it('gives the same chunks whatever the length of the windows', async () => {
    await fc.assert(
      fc.asyncProperty(shortTurns, async ({ speech, sampleCount }) => {
        const source = wholeSource(sampleCount);
        const short = await chunksOf(source, segmentOf(speech));
        const window = windowOf(160_000);
        expect(await chunksOf(source, segmentOf(speech, 589), { window })).toEqual(short);
      }),
      { numRuns: 40 },
    );
  });

  it('gives ordered chunks of at most 30 s that hold each region once', async () => {
    await fc.assert(
      fc.asyncProperty(recording, async ({ speech, sampleCount }) => {
        const chunks = await chunksOf(wholeSource(sampleCount), segmentOf(speech));
        let end = 0;
        for (const chunk of chunks) {
          expect(chunk.startSample).toBeGreaterThanOrEqual(end);
          expect(chunk.endSample - chunk.startSample).toBeLessThanOrEqual(480_000);
          let inside = chunk.startSample;
          for (const region of chunk.regions) {
            expect(region.startSample).toBeGreaterThanOrEqual(inside);
            expect(region.endSample).toBeGreaterThan(region.startSample);
            inside = region.endSample;
          }
          expect(inside).toBeLessThanOrEqual(chunk.endSample);
          end = chunk.endSample;
        }
        expect(end).toBeLessThanOrEqual(sampleCount);
      }),
      { numRuns: 40 },
    );
  });

  it('loses no speech of 0.2 s or longer and finds none far from it', async () => {
    await fc.assert(
      fc.asyncProperty(recording, async ({ speech, sampleCount }) => {
        const chunks = await chunksOf(wholeSource(sampleCount), segmentOf(speech));
        const regions = chunks.flatMap((chunk) => chunk.regions);
        for (const { startSample, endSample } of speech) {
          if (endSample - startSample < 3_200) continue;
          const slack = 270 + 665;
          const covered = coverage(regions, startSample, endSample);
          expect(endSample - startSample - covered).toBeLessThanOrEqual(slack);
        }
        for (const { startSample, endSample } of regions) {
          const silent = endSample - startSample - coverage(speech, startSample, endSample);
          const pauses = speech.filter((s) => s.startSample < endSample).length;
          expect(silent).toBeLessThanOrEqual(1_600 * pauses + 1_600);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same chunks however the waveform arrives and however it is batched', async () => {
    await fc.assert(
      fc.asyncProperty(
        recording,
        arrival,
        fc.integer({ min: 1, max: 16 }),
        async ({ speech, sampleCount }, pattern, batchWindows) => {
          const segment = segmentOf(speech);
          const whole = await chunksOf(wholeSource(sampleCount), segment);
          const source = arrivingSource({ sampleCount, ...pattern });
          expect(await chunksOf(source, segment, { batchWindows })).toEqual(whole);
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** Samples of `[start, end)` inside any of the ranges, which do not overlap. */
function coverage(ranges: readonly SampleRange[], start: number, end: number): number {
  return ranges.reduce((sum, range) => {
    const overlap = Math.min(end, range.endSample) - Math.max(start, range.startSample);
    return sum + Math.max(0, overlap);
  }, 0);
}
