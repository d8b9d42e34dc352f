/**
 * Waveform → chunks of speech for Whisper, while the waveform is still being written.
 *
 * Windows of 5 s, or as long as the installed model takes, go through the segmentation model (PyanNet); the probability
 * that anyone speaks, joined over the windows, becomes regions of speech by hysteresis; regions become chunks of at most
 * 30 s (cut & merge, as in WhisperX, https://arxiv.org/abs/2303.00747). Memory does not grow with the recording: one
 * window of sums, the probabilities of one open region, the regions of one open chunk.
 */
import type { AudioSpan, SegmentResult } from '#origin/engine/protocol.ts';
import { ChunkMerger, type SampleRange, type SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import { frameCountOf, frameStartSample } from '#origin/vad/frame-grid.ts';
import { type FrameRegion, SpeechHysteresis } from '#origin/vad/hysteresis.ts';
import { DEFAULT_VAD_OPTIONS, toVadLimits, type VadOptions } from '#origin/vad/options.ts';
import { planWindows, type WaveformSource, type WindowBatch } from '#origin/vad/plan-windows.ts';
import { SpeechCurve, speechOf } from '#origin/vad/speech-curve.ts';

/** Runs the segmentation model over at most 16 windows. */
export type Segment = (windows: AudioSpan[]) => Promise<SegmentResult>;

/**
 * Gives the chunks of speech in order, each as soon as it is final. Silence gives none. The chunks depend on the
 * waveform and the options only, not on how the waveform arrives.
 *
 * @throws RangeError for options that make no sense, Error when the model's answer has another shape than asked for;
 * whatever `source` and `segment` throw.
 */
export async function* detectSpeech(
  source: WaveformSource,
  segment: Segment,
  options: Partial<VadOptions> = {},
): AsyncGenerator<SpeechChunk, void> {
  const limits = toVadLimits({ ...DEFAULT_VAD_OPTIONS, ...options });
  const curve = new SpeechCurve(limits.window.windowFrames);
  const hysteresis = new SpeechHysteresis(limits);
  const merger = new ChunkMerger(limits);
  for await (const batch of planWindows(source, limits)) {
    for (const probabilities of await speechCurveOf(batch, curve, { source, segment })) {
      for (const probability of probabilities) {
        const region = hysteresis.push(probability);
        const chunk = region && merger.push(toSamples(region));
        if (chunk) yield chunk;
      }
      const chunk = merger.advance(frameStartSample(hysteresis.horizonFrame));
      if (chunk) yield chunk;
    }
    if (batch.totalSamples !== null) yield* lastChunks(hysteresis, merger, batch.totalSamples);
  }
}

/** Segments a batch and gives the stretches of the speech curve that it makes final, in order. */
async function speechCurveOf(
  { windows, totalSamples }: WindowBatch,
  curve: SpeechCurve,
  { source, segment }: { source: WaveformSource; segment: Segment },
): Promise<Float32Array[]> {
  const stretches: Float32Array[] = [];
  if (windows.length > 0) {
    const result = await segment(
      windows.map(({ startSample, sampleCount }) => ({
        path: source.path,
        startSample,
        sampleCount,
      })),
    );
    checkShape(result, windows.length, curve.windowFrames);
    windows.forEach((window, i) => {
      stretches.push(curve.add(window.startFrame, speechOf(result, i)));
    });
  }
  if (totalSamples !== null) stretches.push(curve.end(frameCountOf(totalSamples)));
  return stretches;
}

function* lastChunks(
  hysteresis: SpeechHysteresis,
  merger: ChunkMerger,
  totalSamples: number,
): Generator<SpeechChunk, void> {
  const region = hysteresis.end();
  if (region !== null) {
    // Speech in the last frame lasts to the end: no frame is left to say otherwise.
    const isAtEnd = region.endFrame === hysteresis.horizonFrame;
    const range = toSamples(region);
    const chunk = merger.push(isAtEnd ? { ...range, endSample: totalSamples } : range);
    if (chunk) yield chunk;
  }
  const chunk = merger.end(totalSamples);
  if (chunk) yield chunk;
}

function toSamples({ startFrame, endFrame }: FrameRegion): SampleRange {
  return { startSample: frameStartSample(startFrame), endSample: frameStartSample(endFrame) };
}

function checkShape(
  { activations, frames, speakers }: SegmentResult,
  windows: number,
  windowFrames: number,
): void {
  if (frames === windowFrames && activations.length === windows * frames * speakers) return;
  throw new Error(
    `Segmentation of ${windows} windows gave ${activations.length} values in ${frames} frames of ${speakers}` +
      ` speakers; ${windowFrames} frames a window are needed.`,
  );
}
