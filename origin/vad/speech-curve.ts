import type { SegmentResult } from '#origin/engine/protocol.ts';
import { WINDOW_FRAMES } from '#origin/vad/frame-grid.ts';

/** About 1 s. */
const EDGE_FRAMES = 60;

/**
 * Joins the activations of overlapping windows to one curve: the probability of speech per grid frame. Holds one window
 * of sums, however long the recording.
 *
 * Where windows overlap, a window counts less within a second of its edges, where the model saw only one side of what it
 * judges. At a hop of 2.5 s this came closer to the truth than a Hamming window (pyannote's) or equal weights.
 */
export class SpeechCurve {
  readonly windowFrames: number;
  readonly #sums: Float64Array;
  readonly #weights: Float64Array;
  readonly #edges: Float64Array;
  /** Grid frame of the first sum. */
  #baseFrame = 0;
  /** After the last frame of the last window. */
  #endFrame = 0;

  /** @param windowFrames Of one window; the embedded model's unless told otherwise. */
  constructor(windowFrames = WINDOW_FRAMES) {
    this.windowFrames = windowFrames;
    this.#sums = new Float64Array(windowFrames);
    this.#weights = new Float64Array(windowFrames);
    this.#edges = edgeWeights(windowFrames);
  }

  /**
   * Adds the next window and gives the frames before it: later windows begin later, so these are final.
   *
   * @param startFrame Grid frame of the window, not before the previous window's and at most one window after it.
   * @param probabilities `(windowFrames)`
   */
  add(startFrame: number, probabilities: Float32Array): Float32Array {
    const final = this.#take(startFrame);
    for (let i = 0; i < this.windowFrames; i += 1) {
      this.#sums[i]! += this.#edges[i]! * probabilities[i]!;
      this.#weights[i]! += this.#edges[i]!;
    }
    this.#endFrame = startFrame + this.windowFrames;
    return final;
  }

  /** No window follows: gives the remaining frames before `frameCount`, as far as the windows reached. */
  end(frameCount: number): Float32Array {
    return this.#take(Math.min(frameCount, this.#endFrame));
  }

  #take(endFrame: number): Float32Array {
    const count = endFrame - this.#baseFrame;
    if (count < 0 || endFrame > this.#endFrame) {
      throw new RangeError(
        `Frame ${endFrame} is not within ${this.#baseFrame} to ${this.#endFrame}.`,
      );
    }
    const curve = new Float32Array(count);
    for (let i = 0; i < count; i += 1) curve[i] = this.#sums[i]! / this.#weights[i]!;
    this.#shift(count);
    return curve;
  }

  #shift(count: number): void {
    for (const buffer of [this.#sums, this.#weights]) {
      buffer.copyWithin(0, count);
      buffer.fill(0, this.windowFrames - count);
    }
    this.#baseFrame += count;
  }
}

/** Speech probability of each frame of one window: that of its most probable speaker. `(windowFrames)` */
export function speechOf(result: SegmentResult, window: number): Float32Array {
  const { activations, frames, speakers } = result;
  const speech = new Float32Array(frames);
  for (let frame = 0; frame < frames; frame += 1) {
    const row = (window * frames + frame) * speakers;
    for (let speaker = 0; speaker < speakers; speaker += 1) {
      speech[frame] = Math.max(speech[frame]!, activations[row + speaker]!);
    }
  }
  return speech;
}

/** Rises over the first second and falls over the last; never 0, for the first second may have no other window. */
function edgeWeights(windowFrames: number): Float64Array {
  return Float64Array.from({ length: windowFrames }, (_, i) =>
    Math.min(1, (Math.min(i, windowFrames - 1 - i) + 1) / EDGE_FRAMES),
  );
}
