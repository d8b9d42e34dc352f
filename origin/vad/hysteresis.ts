import type { VadLimits } from '#origin/vad/options.ts';

/** A stretch of speech in grid frames, `[startFrame, endFrame)`. */
export interface FrameRegion {
  readonly startFrame: number;
  readonly endFrame: number;
}

type HysteresisLimits = Pick<
  VadLimits,
  'onset' | 'offset' | 'minSpeechFrames' | 'minSilenceFrames' | 'maxRegionFrames'
>;

/**
 * Speech probabilities → regions of speech, frame by frame. Two thresholds keep a wavering curve from chopping a word;
 * short pauses are filled first, then what is still too short is dropped. A region that outgrows `maxRegionFrames` is
 * cut while it is still open, at the least likely speech frame of its second half, so memory is bounded.
 */
export class SpeechHysteresis {
  readonly #limits: HysteresisLimits;
  #nextFrame = 0;
  #open: OpenRegion | null = null;

  constructor(limits: HysteresisLimits) {
    this.#limits = limits;
  }

  /** Takes the probability of the next frame; gives the region that this frame completes, if any. */
  push(probability: number): FrameRegion | null {
    const frame = this.#nextFrame;
    this.#nextFrame += 1;
    const open = this.#open;
    if (open === null) {
      if (probability > this.#limits.onset) this.#open = openRegion(frame, probability);
      return null;
    }
    open.probabilities.push(probability);
    const isActive = frame === open.endFrame;
    if (isActive ? probability >= this.#limits.offset : probability > this.#limits.onset) {
      open.endFrame = frame + 1;
      return this.#cutIfTooLong(open);
    }
    return frame + 1 - open.endFrame >= this.#limits.minSilenceFrames ? this.#close(open) : null;
  }

  /** No frame follows: gives the region that is still open, if any. */
  end(): FrameRegion | null {
    return this.#open === null ? null : this.#close(this.#open);
  }

  /** No region that is still to come begins before this frame. */
  get horizonFrame(): number {
    return this.#open?.startFrame ?? this.#nextFrame;
  }

  #close({ startFrame, endFrame, isRest }: OpenRegion): FrameRegion | null {
    this.#open = null;
    const isLongEnough = endFrame - startFrame >= this.#limits.minSpeechFrames;
    return isLongEnough || isRest ? { startFrame, endFrame } : null;
  }

  #cutIfTooLong({ startFrame, endFrame, probabilities }: OpenRegion): FrameRegion | null {
    const limit = this.#limits.maxRegionFrames;
    if (endFrame - startFrame <= limit) return null;
    const cut = leastLikelyFrame(probabilities, Math.ceil(limit / 2), limit);
    const cutFrame = startFrame + cut;
    const rest = probabilities.slice(cut);
    this.#open = { startFrame: cutFrame, endFrame, probabilities: rest, isRest: true };
    return { startFrame, endFrame: cutFrame };
  }
}

interface OpenRegion {
  startFrame: number;
  /** After the last frame of speech; a pause that may still be filled follows it. */
  endFrame: number;
  /** Of every frame since `startFrame`. */
  probabilities: number[];
  /** It goes on from a cut, so it is speech however short it is. */
  isRest: boolean;
}

function openRegion(frame: number, probability: number): OpenRegion {
  return {
    startFrame: frame,
    endFrame: frame + 1,
    probabilities: [probability],
    isRest: false,
  };
}

/** Index of the lowest probability in `[from, to]`; of equal ones the last, which makes fewer pieces. */
function leastLikelyFrame(probabilities: readonly number[], from: number, to: number): number {
  let lowest = from;
  for (let i = from + 1; i <= to; i += 1) {
    if (probabilities[i]! <= probabilities[lowest]!) lowest = i;
  }
  return lowest;
}
