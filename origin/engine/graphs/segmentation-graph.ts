import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { SegmentResult } from '../protocol.ts';

export interface SegmentationGraph {
  /** What a window holds, at 16 kHz: 80,000 or 160,000. */
  readonly windowSamples: number;
  /** Of one window's activations. */
  readonly frames: number;
  /**
   * Windows of at most `windowSamples`; shorter ones are followed by silence.
   * @throws RangeError for a longer one
   */
  segment(windows: readonly Float32Array[]): Promise<SegmentResult>;
  release(): Promise<void>;
}

export async function openSegmentationGraph(
  path: string,
  options: InferenceSession.SessionOptions,
): Promise<SegmentationGraph> {
  const session = await InferenceSession.create(path, options);
  const [input, output] = [session.inputMetadata[0], session.outputMetadata[0]];
  const windowSamples = fixedSize(input, 1);
  const frames = fixedSize(output, 1);
  return {
    windowSamples,
    frames,
    async segment(windows) {
      const data = new Float32Array(windows.length * windowSamples);
      for (const [i, window] of windows.entries()) {
        if (window.length > windowSamples) {
          throw new RangeError(
            `a window has ${window.length} samples, at most ${windowSamples} fit`,
          );
        }
        data.set(window, i * windowSamples);
      }
      const waveform = new Tensor('float32', data, [windows.length, windowSamples]);
      const { activations } = await session.run({ waveform });
      if (!activations) throw new Error('the segmentation graph gave no activations');
      const [, , speakers = 0] = activations.dims;
      return { activations: activations.data as Float32Array, frames, speakers };
    },
    release: () => session.release(),
  };
}

function fixedSize(metadata: InferenceSession.ValueMetadata | undefined, axis: number): number {
  const size = metadata?.isTensor ? metadata.shape[axis] : undefined;
  if (typeof size !== 'number') {
    throw new Error(
      `axis ${axis} of "${metadata?.name}" of the segmentation graph has no fixed size`,
    );
  }
  return size;
}
