import { activityAt, FULL_ACTIVITY, type StoredWindow } from '#origin/diarize/activity.ts';
import {
  type FrameGeometry,
  frameStartSample,
  framesCovering,
} from '#origin/diarize/frame-geometry.ts';
import type { DiarizeOptions } from '#origin/diarize/options.ts';

/** Speech of one voice, to be embedded as if its ranges followed one another. */
export interface VoiceStretch {
  /** Counts from 0. */
  readonly id: number;
  /** In order, apart from one another. */
  readonly ranges: readonly SampleRange[];
}

export interface SampleRange {
  readonly startSample: number;
  readonly sampleCount: number;
}

/** `[startFrame, endFrame)` of the grid. */
export interface FrameRange {
  readonly startFrame: number;
  readonly endFrame: number;
}

export interface Stretch {
  readonly track: number;
  readonly ranges: readonly FrameRange[];
  /** Sum over the ranges. */
  readonly frames: number;
  /** Unit vector, once there is one. */
  vector: Float32Array | null;
}

/** Collects the solo speech of each track and cuts it into stretches of about the same length. */
export class StretchBuilder {
  readonly #geometry: FrameGeometry;
  readonly #targetFrames: number;
  readonly #minFrames: number;
  readonly #onset: number;
  readonly #soloLimit: number;
  readonly #pauseFrames: number;
  readonly #soundFrames: number;
  readonly #pending = new Map<number, FrameRange[]>();

  constructor(options: DiarizeOptions, geometry: FrameGeometry) {
    this.#geometry = geometry;
    this.#targetFrames = framesCovering(options.stretchSeconds, geometry);
    this.#minFrames = framesCovering(options.minStretchSeconds, geometry);
    this.#onset = options.onset * FULL_ACTIVITY;
    this.#soloLimit = options.soloLimit * FULL_ACTIVITY;
    this.#pauseFrames = framesCovering(options.cutPauseSeconds, geometry);
    this.#soundFrames = framesCovering(options.minItemSeconds, geometry);
  }

  /**
   * Takes the frames `[from, to)` of a window.
   *
   * @param alive Tracks that may go on; what is left of the others is complete.
   */
  take(window: StoredWindow, from: number, to: number, alive: ReadonlySet<number>): Stretch[] {
    for (let local = 0; local < window.speakers; local += 1) {
      const track = window.tracks[local]!;
      if (track < 0) continue;
      const ranges = this.#pending.get(track) ?? [];
      this.#pending.set(track, ranges);
      for (let frame = from; frame < to; frame += 1) {
        if (this.#isAlone(window, frame, local)) extend(ranges, frame);
      }
    }
    return [...this.#pending.keys()].flatMap((track) => this.#cut(track, alive.has(track)));
  }

  /** @param endSample End of what the waveform is known to hold: a frame's cell may reach beyond it. */
  rangesOf({ ranges }: Stretch, endSample: number): SampleRange[] {
    return ranges.map(({ startFrame, endFrame }) => {
      const startSample = frameStartSample(startFrame, this.#geometry);
      const end = Math.min(frameStartSample(endFrame, this.#geometry), endSample);
      return { startSample, sampleCount: end - startSample };
    });
  }

  /** The stretches that are complete: before a pause, or long enough; of a track that ended, all. */
  #cut(track: number, isAlive: boolean): Stretch[] {
    const stretches: Stretch[] = [];
    let rest: FrameRange[] = [];
    for (const range of this.#pending.get(track) ?? []) {
      const pause = range.startFrame - (rest.at(-1)?.endFrame ?? range.startFrame);
      if (pause >= this.#pauseFrames && framesOf(rest) >= this.#soundFrames) {
        rest = this.#cutLong(track, rest, stretches);
        stretches.push({ track, ranges: rest, frames: framesOf(rest), vector: null });
        rest = [];
      }
      rest.push(range);
    }
    rest = this.#cutLong(track, rest, stretches);
    this.#pending.set(track, rest);
    if (isAlive) return stretches;
    this.#pending.delete(track);
    const frames = framesOf(rest);
    if (frames >= this.#minFrames) stretches.push({ track, ranges: rest, frames, vector: null });
    return stretches;
  }

  /** Cuts whole stretches off, as long as enough is left for another one; gives the rest. */
  #cutLong(track: number, ranges: FrameRange[], stretches: Stretch[]): FrameRange[] {
    let rest = ranges;
    let frames = framesOf(rest);
    while (frames >= 1.5 * this.#targetFrames) {
      const [head, tail] = splitAt(rest, this.#targetFrames);
      stretches.push({ track, ranges: head, frames: this.#targetFrames, vector: null });
      rest = tail;
      frames -= this.#targetFrames;
    }
    return rest;
  }

  #isAlone(window: StoredWindow, frame: number, local: number): boolean {
    for (let other = 0; other < window.speakers; other += 1) {
      const activity = activityAt(window, frame, other);
      if (other === local ? activity <= this.#onset : activity > this.#soloLimit) return false;
    }
    return true;
  }
}

function extend(ranges: FrameRange[], frame: number): void {
  const last = ranges.at(-1);
  if (last?.endFrame === frame) {
    ranges[ranges.length - 1] = { startFrame: last.startFrame, endFrame: frame + 1 };
  } else {
    ranges.push({ startFrame: frame, endFrame: frame + 1 });
  }
}

function framesOf(ranges: readonly FrameRange[]): number {
  return ranges.reduce((sum, { startFrame, endFrame }) => sum + endFrame - startFrame, 0);
}

/** The first `frames` frames and the rest. */
function splitAt(ranges: readonly FrameRange[], frames: number): [FrameRange[], FrameRange[]] {
  const [head, tail]: [FrameRange[], FrameRange[]] = [[], []];
  let left = frames;
  for (const { startFrame, endFrame } of ranges) {
    const cut = Math.min(endFrame, startFrame + Math.max(0, left));
    if (cut > startFrame) head.push({ startFrame, endFrame: cut });
    if (endFrame > cut) tail.push({ startFrame: cut, endFrame });
    left -= endFrame - startFrame;
  }
  return [head, tail];
}
