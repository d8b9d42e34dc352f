import { type ActivityWindow, type StoredWindow, storeWindow } from '#origin/diarize/activity.ts';
import {
  type FrameGeometry,
  framesCovering,
  PYANNET_FRAMES,
} from '#origin/diarize/frame-geometry.ts';
import { DEFAULT_DIARIZE_OPTIONS, type DiarizeOptions } from '#origin/diarize/options.ts';
import { stitch } from '#origin/diarize/stitch.ts';
import { type Stretch, StretchBuilder, type VoiceStretch } from '#origin/diarize/stretches.ts';

/**
 * Takes the windows of the segmentation model in order and says which speech to embed. Local speakers of neighbouring
 * windows become tracks; of each track, the speech where nobody else talks is cut into stretches. Each moment is judged
 * by the window in whose middle it lies, so no sample is embedded twice.
 *
 * It keeps a byte for each frame and local speaker, and one vector for each stretch: some 15 MB for 3 h.
 */
export class SpeakerCollector {
  readonly #geometry: FrameGeometry;
  readonly #options: DiarizeOptions;
  readonly #builder: StretchBuilder;
  readonly #windows: StoredWindow[] = [];
  readonly #stretches: Stretch[] = [];
  #tracks = 0;
  /** First frame that no window has been asked about. */
  #nextFrame = 0;
  /** End of what the windows saw of the waveform. */
  #endSample = 0;
  #hasEnded = false;

  constructor(options: Partial<DiarizeOptions> = {}, geometry: Partial<FrameGeometry> = {}) {
    this.#geometry = { ...PYANNET_FRAMES, ...geometry };
    this.#options = { ...DEFAULT_DIARIZE_OPTIONS, ...options };
    this.#builder = new StretchBuilder(this.#options, this.#geometry);
  }

  /**
   * Takes the next window and gives the stretches that are complete, usually from before its middle.
   *
   * @throws RangeError for a window of another shape, or one that does not follow the last one.
   */
  add(window: ActivityWindow): VoiceStretch[] {
    if (this.#hasEnded) throw new RangeError('A window after the end.');
    const previous = this.#windows.at(-1) ?? null;
    if (previous !== null && window.startFrame <= previous.startFrame) {
      throw new RangeError(`A window at ${window.startFrame} after ${previous.startFrame}.`);
    }
    const stored = storeWindow(window, this.#geometry);
    this.#tracks = stitch(previous, stored, this.#tracks, {
      minSharedFrames: framesCovering(this.#options.minSharedSeconds, this.#geometry),
      minAgreement: this.#options.minAgreement,
    });
    this.#windows.push(stored);
    const startSample = window.startFrame * this.#geometry.stepSamples;
    this.#endSample = Math.max(this.#endSample, startSample + window.sampleCount);
    if (previous === null) return [];
    const middle = Math.ceil((stored.startFrame + previous.endFrame) / 2);
    return this.#take(previous, Math.min(middle, previous.endFrame), new Set(stored.tracks));
  }

  /** No window follows: gives the remaining stretches. */
  end(): VoiceStretch[] {
    const last = this.#windows.at(-1);
    if (last === undefined || this.#hasEnded) return [];
    this.#hasEnded = true;
    return this.#take(last, last.endFrame, new Set());
  }

  /** Takes the unit vector of a stretch. A stretch without one is left out of everything but the activity. */
  embedded(id: number, vector: ArrayLike<number>): void {
    const stretch = this.#stretches[id];
    if (stretch === undefined) throw new RangeError(`There is no stretch ${id}.`);
    stretch.vector = normalized(vector);
  }

  get geometry(): FrameGeometry {
    return this.#geometry;
  }

  get options(): DiarizeOptions {
    return this.#options;
  }

  get windows(): readonly StoredWindow[] {
    return this.#windows;
  }

  /** By id. */
  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  #take(window: StoredWindow, endFrame: number, alive: ReadonlySet<number>): VoiceStretch[] {
    const from = Math.max(this.#nextFrame, window.startFrame);
    const complete = this.#builder.take(window, from, endFrame, alive);
    this.#nextFrame = Math.max(this.#nextFrame, endFrame);
    return complete.map((stretch) => {
      this.#stretches.push(stretch);
      return {
        id: this.#stretches.length - 1,
        ranges: this.#builder.rangesOf(stretch, this.#endSample),
      };
    });
  }
}

/** Length 1; null for one that is no direction. */
function normalized(vector: ArrayLike<number>): Float32Array | null {
  const copy = Float32Array.from(vector);
  const length = Math.hypot(...copy);
  if (!(length > 0) || !Number.isFinite(length)) return null;
  return copy.map((value) => value / length);
}
