import { FRAME_STEP, frameCountOf, WINDOW_SAMPLES } from '#origin/vad/frame-grid.ts';
import type { VadLimits } from '#origin/vad/options.ts';

/** A waveform file that may still be growing. */
export interface WaveformSource {
  /** Absolute path: 32-bit little-endian floats, mono, 16 kHz. */
  readonly path: string;
  /** Resolves once the file holds `samples` samples or is complete, with what it holds then. */
  available(samples: number): Promise<{ readonly sampleCount: number; readonly ended: boolean }>;
}

export interface PlannedWindow {
  /** Grid frame of the window's first frame; its first sample is `startFrame · 270`. */
  readonly startFrame: number;
  readonly startSample: number;
  /** Less than a window only where the waveform ends. */
  readonly sampleCount: number;
}

export interface WindowBatch {
  readonly windows: readonly PlannedWindow[];
  /** Samples of the whole waveform, once it is known: in the last batch, which may hold no window. */
  readonly totalSamples: number | null;
}

type PlanLimits = Pick<VadLimits, 'hopFrames' | 'batchWindows' | 'minSpeechFrames'>;

/**
 * Lays windows over a waveform, as soon as it holds them, several a batch. Which windows there are depends on the
 * waveform's length alone. The last one ends with the waveform instead of hanging over it: silence behind the end would
 * shift the model's normalisation.
 *
 * @throws Error when the source answers with less than was asked for and has not ended.
 */
export async function* planWindows(
  source: WaveformSource,
  limits: PlanLimits,
): AsyncGenerator<WindowBatch, void> {
  let startFrame = 0;
  for (;;) {
    const needed = endOf(startFrame);
    const { sampleCount, ended } = await source.available(needed);
    if (sampleCount < needed && !ended) {
      throw new Error(`The waveform source gave ${sampleCount} of ${needed} samples, yet goes on.`);
    }
    const windows: PlannedWindow[] = [];
    while (windows.length < limits.batchWindows && endOf(startFrame) <= sampleCount) {
      windows.push(windowAt(startFrame, WINDOW_SAMPLES));
      startFrame += limits.hopFrames;
    }
    const isLast = ended && windows.length < limits.batchWindows;
    if (isLast) windows.push(...tailWindow(sampleCount, startFrame - limits.hopFrames, limits));
    yield { windows, totalSamples: isLast ? sampleCount : null };
    if (isLast) return;
  }
}

function endOf(startFrame: number): number {
  return startFrame * FRAME_STEP + WINDOW_SAMPLES;
}

function windowAt(startFrame: number, sampleCount: number): PlannedWindow {
  return { startFrame, startSample: startFrame * FRAME_STEP, sampleCount };
}

/** The window for what the whole ones left over; none where nothing is, or too little for any speech to count. */
function tailWindow(
  totalSamples: number,
  lastStartFrame: number,
  limits: PlanLimits,
): PlannedWindow[] {
  const isCovered = lastStartFrame >= 0 && endOf(lastStartFrame) >= totalSamples;
  if (isCovered || frameCountOf(totalSamples) < Math.max(1, limits.minSpeechFrames)) return [];
  const startFrame = Math.max(0, Math.ceil((totalSamples - WINDOW_SAMPLES) / FRAME_STEP));
  return [windowAt(startFrame, totalSamples - startFrame * FRAME_STEP)];
}
