import { FULL_ACTIVITY, type StoredWindow } from '#origin/diarize/activity.ts';
import { type FrameGeometry, framesCovering } from '#origin/diarize/frame-geometry.ts';
import { type FrameTurn, TurnBuilder } from '#origin/diarize/turn-builder.ts';

export interface ReconstructLimits {
  /** Added to the probability of who talked in the frame before, so that voices do not flicker. */
  readonly stickiness: number;
  readonly minTurnSeconds: number;
  /** Shorter pauses of a speaker are filled. */
  readonly minPauseSeconds: number;
}

/**
 * Activities of local speakers and who they are → turns. At each frame, the windows that see it say how many talk (the
 * mean sum of their probabilities, rounded) and how active each speaker is; that many of the most active ones talk.
 *
 * @param speakerOf For each window, the speaker of each local speaker, or -1.
 * @param frameCount Frames of the recording.
 * @returns by speaker, then by time.
 */
export function reconstruct(
  windows: readonly StoredWindow[],
  speakerOf: readonly Int32Array[],
  { speakers, frameCount }: { readonly speakers: number; readonly frameCount: number },
  limits: ReconstructLimits & { readonly geometry: FrameGeometry },
): FrameTurn[] {
  const { geometry } = limits;
  const builder = new TurnBuilder(speakers, {
    minTurnFrames: framesCovering(limits.minTurnSeconds, geometry),
    minPauseFrames: framesCovering(limits.minPauseSeconds, geometry),
  });
  const mixer = new FrameMixer(speakers, limits.stickiness);
  const edges = edgeWeights(geometry);
  let first = 0;
  for (let frame = 0; frame < frameCount; frame += 1) {
    while (first < windows.length && windows[first]!.endFrame <= frame) first += 1;
    mixer.clear();
    for (let w = first; w < windows.length && windows[w]!.startFrame <= frame; w += 1) {
      const window = windows[w]!;
      if (frame >= window.endFrame) continue;
      const inside = Math.min(frame - window.startFrame, window.endFrame - 1 - frame);
      mixer.add(window, frame, speakerOf[w]!, edges[Math.min(inside, edges.length - 1)]!);
    }
    builder.push(frame, mixer.active());
  }
  return builder.end(frameCount);
}

/** About 1 s: nearer to a window's edge the model saw only one side of what it judges. */
function edgeWeights(geometry: FrameGeometry): Float64Array {
  const frames = framesCovering(1, geometry);
  return Float64Array.from({ length: frames }, (_, i) => (i + 1) / frames);
}

/** What the windows say of one frame. */
class FrameMixer {
  readonly #activity: Float64Array;
  readonly #stickiness: number;
  readonly #isActive: Uint8Array;
  #count = 0;
  #weight = 0;

  constructor(speakers: number, stickiness: number) {
    this.#activity = new Float64Array(speakers);
    this.#isActive = new Uint8Array(speakers);
    this.#stickiness = stickiness;
  }

  clear(): void {
    this.#activity.fill(0);
    this.#count = 0;
    this.#weight = 0;
  }

  add(window: StoredWindow, frame: number, speakerOf: Int32Array, weight: number): void {
    this.#weight += weight;
    const row = (frame - window.startFrame) * window.speakers;
    for (let local = 0; local < window.speakers; local += 1) {
      const activity = window.activity[row + local]!;
      this.#count += (weight * activity) / FULL_ACTIVITY;
      const speaker = speakerOf[local]!;
      if (speaker >= 0) this.#activity[speaker]! += (weight * activity) / FULL_ACTIVITY;
    }
  }

  /** 1 for each speaker who talks in this frame. Valid until the next call. */
  active(): Uint8Array {
    const talking = this.#weight === 0 ? 0 : Math.round(this.#count / this.#weight);
    for (let speaker = 0; speaker < this.#activity.length; speaker += 1) {
      if (this.#isActive[speaker]) this.#activity[speaker]! += this.#stickiness * this.#weight;
    }
    this.#isActive.fill(0);
    for (let n = 0; n < talking; n += 1) {
      const best = this.#mostActive();
      if (best >= 0) this.#isActive[best] = 1;
    }
    return this.#isActive;
  }

  #mostActive(): number {
    let best = -1;
    for (let speaker = 0; speaker < this.#activity.length; speaker += 1) {
      // A twentieth of certainty: below it, nothing says that this speaker is there.
      if (this.#isActive[speaker] || this.#activity[speaker]! <= 0.05 * this.#weight) continue;
      if (best < 0 || this.#activity[speaker]! > this.#activity[best]!) best = speaker;
    }
    return best;
  }
}
