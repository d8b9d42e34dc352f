import {
  DEFAULT_WINDOW,
  FRAME_STEP,
  framesCovering,
  SAMPLE_RATE,
  WINDOW_SAMPLES,
  type WindowGeometry,
} from '#origin/vad/frame-grid.ts';

export interface VadOptions {
  /** Windows of the installed segmentation model. */
  readonly window: WindowGeometry;
  /** From one window to the next; at most the window itself. Rounded to whole frames (16.875 ms). */
  readonly hopSeconds: number;
  /** Speech begins where the probability rises above this … */
  readonly onset: number;
  /** … and ends where it falls below this. */
  readonly offset: number;
  /** Shorter stretches of speech are dropped. */
  readonly minSpeechSeconds: number;
  /** Shorter pauses are filled. */
  readonly minSilenceSeconds: number;
  /** Largest length of a chunk, padding included: what one pass of Whisper takes. */
  readonly maxChunkSeconds: number;
  /** A longer pause always ends a chunk. */
  readonly maxGapSeconds: number;
  /** Audio kept on either side of a chunk's speech, at most half of the pause there. */
  readonly padSeconds: number;
  /** Windows of 5 s per call of the model; of longer ones as many as have their length together. */
  readonly batchWindows: number;
}

/**
 * `onset` and `offset` are whisperX's. `minSilenceSeconds`: the closure of a plosive inside a word lasts up to 0.1 s.
 * `minSpeechSeconds`: no word is shorter, while a click alone would become a chunk in which Whisper invents words.
 * `maxGapSeconds`: each further chunk costs a pass of the encoder, and pauses up to 11 s changed no word in trials
 * (Whisper base, beam 5, five pairs of clips, quiet and room noise between them); longer ones were not tried.
 */
export const DEFAULT_VAD_OPTIONS: VadOptions = {
  window: DEFAULT_WINDOW,
  hopSeconds: 2.5,
  onset: 0.5,
  offset: 0.363,
  minSpeechSeconds: 0.1,
  minSilenceSeconds: 0.1,
  maxChunkSeconds: 30,
  maxGapSeconds: 10,
  padSeconds: 0.2,
  batchWindows: 16,
};

/** The options in the units of the computation: frames and samples. */
export interface VadLimits {
  readonly window: WindowGeometry;
  readonly hopFrames: number;
  readonly onset: number;
  readonly offset: number;
  readonly minSpeechFrames: number;
  readonly minSilenceFrames: number;
  /** Longest region that still fits a chunk with its padding. */
  readonly maxRegionFrames: number;
  readonly maxChunkSamples: number;
  readonly maxGapSamples: number;
  readonly padSamples: number;
  readonly batchWindows: number;
}

/** @throws RangeError when an option makes no sense; it names the option and its value. */
export function toVadLimits(options: VadOptions): VadLimits {
  const padSamples = Math.round(options.padSeconds * SAMPLE_RATE);
  const maxChunkSamples = Math.floor(options.maxChunkSeconds * SAMPLE_RATE);
  // The first and the last cell of a waveform are wider than a step; four frames of reserve (1,080 samples) hold both.
  const maxRegionFrames = Math.floor((maxChunkSamples - 2 * padSamples) / FRAME_STEP) - 4;
  check('onset', options.onset, options.onset > 0 && options.onset < 1);
  check('offset', options.offset, options.offset > 0 && options.offset <= options.onset);
  check('minSpeechSeconds', options.minSpeechSeconds, options.minSpeechSeconds >= 0);
  check('minSilenceSeconds', options.minSilenceSeconds, options.minSilenceSeconds >= 0);
  check('padSeconds', options.padSeconds, padSamples >= 0);
  check('maxGapSeconds', options.maxGapSeconds, options.maxGapSeconds >= 2 * options.padSeconds);
  check('maxChunkSeconds', options.maxChunkSeconds, maxRegionFrames >= 2);
  check('batchWindows', options.batchWindows, isIntegerWithin(options.batchWindows, 1, 16));
  return {
    window: options.window,
    hopFrames: hopFrames(options),
    onset: options.onset,
    offset: options.offset,
    minSpeechFrames: framesCovering(options.minSpeechSeconds),
    minSilenceFrames: Math.max(1, framesCovering(options.minSilenceSeconds)),
    maxRegionFrames,
    maxChunkSamples,
    maxGapSamples: Math.round(options.maxGapSeconds * SAMPLE_RATE),
    padSamples,
    batchWindows: windowsPerCall(options),
  };
}

/** A call's memory and time go with the audio in it. */
function windowsPerCall({ batchWindows, window }: VadOptions): number {
  return Math.max(1, Math.floor((batchWindows * WINDOW_SAMPLES) / window.windowSamples));
}

/** A hop of a whole window means windows side by side: of 5 s, 293 frames, which is a little less. */
function hopFrames({ hopSeconds, window }: VadOptions): number {
  const samples = hopSeconds * SAMPLE_RATE;
  const frames = Math.round(samples / FRAME_STEP);
  check('hopSeconds', hopSeconds, samples <= window.windowSamples && frames >= 1);
  return Math.min(frames, window.windowFrames);
}

function isIntegerWithin(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}

function check(name: Exclude<keyof VadOptions, 'window'>, value: number, holds: boolean): void {
  if (!holds) throw new RangeError(`Voice activity option ${name} = ${value} is out of range.`);
}
