import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { SegmentResult } from '../protocol.ts';

/** 5 s at 16 kHz: what the segmentation model was trained on. */
export const WINDOW_SAMPLES = 80_000;

export interface SegmentationGraph {
  /** Windows of at most 80,000 samples; shorter ones are followed by silence. */
  segment(windows: readonly Float32Array[]): Promise<SegmentResult>;
  release(): Promise<void>;
}

export async function openSegmentationGraph(
  path: string,
  options: InferenceSession.SessionOptions,
): Promise<SegmentationGraph> {
  const session = await InferenceSession.create(path, options);
  return {
    async segment(windows) {
      const data = new Float32Array(windows.length * WINDOW_SAMPLES);
      for (const [i, window] of windows.entries()) data.set(window, i * WINDOW_SAMPLES);
      const waveform = new Tensor('float32', data, [windows.length, WINDOW_SAMPLES]);
      const { activations } = await session.run({ waveform });
      if (!activations) throw new Error('the segmentation graph gave no activations');
      const [, frames = 0, speakers = 0] = activations.dims;
      return { activations: activations.data as Float32Array, frames, speakers };
    },
    release: () => session.release(),
  };
}
