import { DEFAULT_WINDOW, FRAME_STEP, frameCountOf } from '#origin/vad/frame-grid.ts';
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

/** `window` is the embedded model's unless another one is named. */
export type PlanLimits = Pick<VadLimits, 'hopFrames' | 'batchWindows' | 'minSpeechFrames'> &
  Partial<Pick<VadLimits, 'window'>>;

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
  const { windowSamples } = limits.window ?? DEFAULT_WINDOW;
  const endOf = (frame: number) => frame * FRAME_STEP + windowSamples;
  let startFrame = 0;
  for (;;) {
    const needed = endOf(startFrame);
    const { sampleCount, ended } = await source.available(needed);
    if (sampleCount < needed && !ended) {
      throw new Error(`The waveform source gave ${sampleCount} of ${needed} samples, yet goes on.`);
    }
    const windows: PlannedWindow[] = [];
    while (windows.length < limits.batchWindows && endOf(startFrame) <= sampleCount) {
      windows.push(windowAt(startFrame, windowSamples));
      startFrame += limits.hopFrames;
    }
    const isLast = ended && windows.length < limits.batchWindows;
    if (isLast) {
      const isCovered = startFrame > 0 && endOf(startFrame - limits.hopFrames) >= sampleCount;
      if (!isCovered) windows.push(...tailWindow(sampleCount, windowSamples, limits));
    }
    yield { windows, totalSamples: isLast ? sampleCount : null };
    if (isLast) return;
  }
}

function windowAt(startFrame: number, sampleCount: number): PlannedWindow {
  return { startFrame, startSample: startFrame * FRAME_STEP, sampleCount };
}

/** The window for what the whole ones left over; none where nothing is, or too little for any speech to count. */
function tailWindow(
  totalSamples: number,
  windowSamples: number,
  limits: PlanLimits,
): PlannedWindow[] {
  if (frameCountOf(totalSamples) < Math.max(1, limits.minSpeechFrames)) return [];
  const startFrame = Math.max(0, Math.ceil((totalSamples - windowSamples) / FRAME_STEP));
  return [windowAt(startFrame, totalSamples - startFrame * FRAME_STEP)];
}
