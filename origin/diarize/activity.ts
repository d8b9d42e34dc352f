import type { FrameGeometry } from '#origin/diarize/frame-geometry.ts';
import { frameCountOf } from '#origin/diarize/frame-geometry.ts';

/** What the segmentation model found in one window. */
export interface ActivityWindow {
  /** Grid frame of the window's first frame. */
  readonly startFrame: number;
  /** Samples that the waveform has from the window's begin on, at most a window. */
  readonly sampleCount: number;
  /** Probability that each local speaker talks, 0..1: row-major (frames, speakers). */
  readonly activations: ArrayLike<number>;
  /** Local speakers; they are in no order, and another one in each window. */
  readonly speakers: number;
}

/** A window as it is kept: a byte for each frame and local speaker. */
export interface StoredWindow {
  readonly startFrame: number;
  /** After the last frame that lies in the waveform. */
  readonly endFrame: number;
  readonly speakers: number;
  /** 0..255: row-major (frames, speakers). */
  readonly activity: Uint8Array;
  /** Track of each local speaker, -1 for one who says nothing. */
  readonly tracks: Int32Array;
}

export const FULL_ACTIVITY = 255;

/** @throws RangeError for a window of another shape than the geometry says. */
export function storeWindow(window: ActivityWindow, geometry: FrameGeometry): StoredWindow {
  const { startFrame, sampleCount, activations, speakers } = window;
  if (!Number.isInteger(speakers) || speakers < 1 || speakers > 8) {
    throw new RangeError(`A window of ${speakers} local speakers: 1 to 8 are possible.`);
  }
  if (activations.length !== geometry.windowFrames * speakers) {
    throw new RangeError(
      `A window of ${activations.length} activations: ${geometry.windowFrames} frames of ${speakers} are needed.`,
    );
  }
  const frames = Math.min(geometry.windowFrames, frameCountOf(sampleCount, geometry));
  const activity = new Uint8Array(frames * speakers);
  for (let i = 0; i < activity.length; i += 1) {
    // NaN becomes 0.
    activity[i] = Math.round(Math.min(1, Math.max(0, activations[i]! || 0)) * FULL_ACTIVITY);
  }
  const tracks = new Int32Array(speakers).fill(-1);
  return { startFrame, endFrame: startFrame + frames, speakers, activity, tracks };
}

/** Activity of a local speaker at a grid frame of the window, 0..255. */
export function activityAt(window: StoredWindow, frame: number, speaker: number): number {
  return window.activity[(frame - window.startFrame) * window.speakers + speaker]!;
}
