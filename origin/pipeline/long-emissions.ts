/**
 * Emissions of a stretch that is longer than the engine takes at once: several calls, cut where nobody speaks, whose
 * frames lie on one grid as if they were one.
 */
import { concatenate } from '#models/concatenate.ts';
import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import type { Emissions } from '#origin/engine/protocol.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import { type RecordingJob, spanOf } from '#origin/pipeline/recording-job.ts';
import type { SampleRange } from '#origin/vad/cut-and-merge.ts';

/** What the engine takes at once. */
export const MAX_EMISSION_SAMPLES = 30 * SAMPLE_RATE;

/** Samples from one frame of a wav2vec2 model to the next, and how many more it hears. */
const FRAME_SAMPLES = 320;
const LOOK_AHEAD_SAMPLES = 80;
/** The aligner hears words worse at the ends of what it gets. */
const LEAST_SAMPLES = 10 * SAMPLE_RATE;

export interface LongStretch {
  /** Name of the aligner. */
  readonly model: string;
  readonly range: SampleRange;
  readonly columns: readonly number[];
  /** Speech within the range, in order. */
  readonly regions: readonly SampleRange[];
}

/** One after the other: what other requests want goes in between. */
export async function longEmissions(
  { model, range, columns, regions }: LongStretch,
  { job, context }: { readonly job: EmissionJob; readonly context: WorkContext },
): Promise<Emissions> {
  const width = columns.length + 1;
  const parts: Float32Array[] = [];
  let frames = 0;
  for (const { startSample, endSample } of cutAtPauses(range, regions)) {
    const isLast = endSample >= range.endSample;
    const heardEnd = isLast ? endSample : endSample + LOOK_AHEAD_SAMPLES;
    const span = spanOf({ startSample, endSample: heardEnd }, job.waveform);
    const part = await job.scheduler.emissions({ model, item: { span, columns } }, context);
    const wanted = isLast ? part.frames : (endSample - startSample) / FRAME_SAMPLES;
    parts.push(toLength(part, wanted, width));
    frames += wanted;
  }
  return { logProbs: concatenate(parts), frames, frameSamples: FRAME_SAMPLES };
}

export type EmissionJob = Pick<RecordingJob, 'scheduler' | 'waveform'>;

/** Parts on the grid of frames, without gaps, each as long as fits, cut in the middle of the last pause that comes late enough. */
export function cutAtPauses(range: SampleRange, regions: readonly SampleRange[]): SampleRange[] {
  const pauses = regions.flatMap(({ startSample }, index) => {
    const before = regions[index - 1];
    return before === undefined ? [] : [(before.endSample + startSample) / 2];
  });
  const parts: SampleRange[] = [];
  let { startSample } = range;
  while (range.endSample - startSample > MAX_EMISSION_SAMPLES) {
    const first = startSample + LEAST_SAMPLES;
    const room = startSample + MAX_EMISSION_SAMPLES - LOOK_AHEAD_SAMPLES;
    const last = Math.min(room, range.endSample - LEAST_SAMPLES);
    const cut = pauses.findLast((pause) => pause >= first && pause <= last) ?? last;
    const endSample = startSample + Math.floor((cut - startSample) / FRAME_SAMPLES) * FRAME_SAMPLES;
    parts.push({ startSample, endSample });
    startSample = endSample;
  }
  return [...parts, { startSample, endSample: range.endSample }];
}

/** Row-major (frames, width); where a frame is missing the last one stands again. */
function toLength({ logProbs, frames }: Emissions, wanted: number, width: number): Float32Array {
  if (frames >= wanted) return logProbs.subarray(0, wanted * width);
  const whole = new Float32Array(wanted * width);
  whole.set(logProbs);
  const last = logProbs.subarray(Math.max(0, frames - 1) * width, frames * width);
  for (let frame = frames; frame < wanted; frame += 1) whole.set(last, frame * width);
  return whole;
}
