/**
 * Where the frames of the segmentation model (PyanNet) lie in the waveform. Its convolutional front end is six layers
 * without padding: conv 251 / stride 10, max-pool 3 / 3, conv 5, max-pool 3 / 3, conv 5, max-pool 3 / 3. So a frame is
 * computed from 991 samples and the next one from the stretch 270 samples later.
 *
 * Windows begin on multiples of the frame step, so the frames of all windows fall onto one grid: frame `i` of a window
 * that begins at grid frame `g` is grid frame `g + i`, with no rounding.
 */

/** `[kernel, stride]` of each layer, first to last. */
const LAYERS = [
  [251, 10],
  [3, 3],
  [5, 1],
  [3, 3],
  [5, 1],
  [3, 3],
] as const;

export const SAMPLE_RATE = 16_000;

/** What a segmentation model takes at once, and what it gives: 5 s and 293 frames, or 10 s and 589. */
export interface WindowGeometry {
  readonly windowSamples: number;
  readonly windowFrames: number;
}

/** Samples of one window of the embedded model: the 5 s it was trained on. */
export const WINDOW_SAMPLES = 80_000;

/** Samples from one frame to the next. */
export const FRAME_STEP = LAYERS.reduce((step, [, stride]) => step * stride, 1);

/** Sample at the centre of frame 0: the middle of its 991-sample receptive field. */
export const FIRST_FRAME_CENTRE = (receptiveField() - 1) / 2;

/** Frames of one window of the embedded model. */
export const WINDOW_FRAMES = framesIn(WINDOW_SAMPLES);

/** Windows of the embedded model. */
export const DEFAULT_WINDOW: WindowGeometry = windowOf(WINDOW_SAMPLES);

/** Windows of so many samples. */
export function windowOf(windowSamples: number): WindowGeometry {
  return { windowSamples, windowFrames: framesIn(windowSamples) };
}

/** First sample of a grid frame's cell; cells meet halfway between the centres, and the first one begins at 0. */
export function frameStartSample(frame: number): number {
  if (frame === 0) return 0;
  return FIRST_FRAME_CENTRE - FRAME_STEP / 2 + frame * FRAME_STEP;
}

/** Grid frames whose centre lies inside a waveform of `sampleCount` samples. */
export function frameCountOf(sampleCount: number): number {
  return Math.max(0, Math.ceil((sampleCount - FIRST_FRAME_CENTRE) / FRAME_STEP));
}

/** How many frames `seconds` fill, rounded up. */
export function framesCovering(seconds: number): number {
  return Math.ceil((seconds * SAMPLE_RATE) / FRAME_STEP);
}

function framesIn(samples: number): number {
  return LAYERS.reduce(
    (length, [kernel, stride]) => Math.floor((length - kernel) / stride) + 1,
    samples,
  );
}

function receptiveField(): number {
  return LAYERS.reduceRight<number>((size, [kernel, stride]) => (size - 1) * stride + kernel, 1);
}
