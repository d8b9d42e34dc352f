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
  readonly #sums = new Float64Array(WINDOW_FRAMES);
  readonly #weights = new Float64Array(WINDOW_FRAMES);
  /** Grid frame of the first sum. */
  #baseFrame = 0;
  /** After the last frame of the last window. */
  #endFrame = 0;

  /**
   * Adds the next window and gives the frames before it: later windows begin later, so these are final.
   *
   * @param startFrame Grid frame of the window, not before the previous window's and at most one window after it.
   * @param probabilities `(WINDOW_FRAMES)`
   */
  add(startFrame: number, probabilities: Float32Array): Float32Array {
    const final = this.#take(startFrame);
    for (let i = 0; i < WINDOW_FRAMES; i += 1) {
      this.#sums[i]! += EDGE_WEIGHTS[i]! * probabilities[i]!;
      this.#weights[i]! += EDGE_WEIGHTS[i]!;
    }
    this.#endFrame = startFrame + WINDOW_FRAMES;
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
      buffer.fill(0, WINDOW_FRAMES - count);
    }
    this.#baseFrame += count;
  }
}

/** Speech probability of each frame of one window: that of its most probable speaker. `(WINDOW_FRAMES)` */
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
const EDGE_WEIGHTS = Float64Array.from({ length: WINDOW_FRAMES }, (_, i) =>
  Math.min(1, (Math.min(i, WINDOW_FRAMES - 1 - i) + 1) / EDGE_FRAMES),
);
