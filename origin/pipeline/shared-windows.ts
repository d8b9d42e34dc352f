import type { AudioSpan, SegmentResult } from '#origin/engine/protocol.ts';

/** Runs the segmentation model over windows of the waveform. */
export type Segment = (windows: AudioSpan[]) => Promise<SegmentResult>;

/**
 * One recording's windows for two readers: voice activity reads every second one, diarization all of them. Each window
 * goes to the engine once, for whoever asks first, and is forgotten when both have it.
 */
export class SharedWindows {
  readonly #segment: Segment;
  readonly #isWantedTwice: (startSample: number) => boolean;
  readonly #known = new Map<string, Promise<OneWindow>>();

  /** @param isWantedTwice tells whether both readers will ask for a window, by its first sample. */
  constructor(segment: Segment, isWantedTwice: (startSample: number) => boolean) {
    this.#segment = segment;
    this.#isWantedTwice = isWantedTwice;
  }

  /** Same as the engine's call. A window that could not be had for one reader is asked for anew by the other. */
  async segment(windows: AudioSpan[]): Promise<SegmentResult> {
    const missing = windows.filter((window) => !this.#known.has(keyOf(window)));
    const fresh = new Map<string, Promise<OneWindow>>();
    if (missing.length > 0) {
      const call = this.#segment(missing);
      missing.forEach((window, index) => {
        const one = call.then((result) => pick(result, index));
        one.catch(() => this.#known.delete(keyOf(window)));
        fresh.set(keyOf(window), one);
        if (this.#isWantedTwice(window.startSample)) this.#known.set(keyOf(window), one);
      });
    }
    const found = windows.map((window) => {
      const key = keyOf(window);
      const own = fresh.get(key);
      if (own !== undefined) return own;
      const shared = this.#known.get(key);
      this.#known.delete(key);
      if (shared === undefined) throw new Error(`window at ${window.startSample} asked for twice`);
      return shared;
    });
    return join(await Promise.all(found));
  }
}

interface OneWindow {
  /** Row-major (frames, speakers). */
  readonly activations: Float32Array;
  readonly frames: number;
  readonly speakers: number;
}

function pick({ activations, frames, speakers }: SegmentResult, index: number): OneWindow {
  const size = frames * speakers;
  return { activations: activations.slice(index * size, (index + 1) * size), frames, speakers };
}

function join(windows: readonly OneWindow[]): SegmentResult {
  const [first] = windows;
  if (first === undefined) return { activations: new Float32Array(), frames: 0, speakers: 0 };
  const { frames, speakers } = first;
  const size = frames * speakers;
  const activations = new Float32Array(windows.length * size);
  for (const [index, window] of windows.entries())
    activations.set(window.activations, index * size);
  return { activations, frames, speakers };
}

function keyOf({ startSample, sampleCount }: AudioSpan): string {
  return `${startSample}+${sampleCount}`;
}
