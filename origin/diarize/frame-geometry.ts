/**
 * Where the frames of a segmentation model lie in the waveform. Windows begin on multiples of the step, so the frames of
 * all windows fall onto one grid: frame `i` of a window that begins at grid frame `g` is grid frame `g + i`.
 */
export interface FrameGeometry {
  /** Frames of one window. */
  readonly windowFrames: number;
  /** Samples from one frame to the next. */
  readonly stepSamples: number;
  /** Sample at the centre of grid frame 0. */
  readonly firstCentreSample: number;
  readonly sampleRate: number;
}

/** PyanNet with windows of 5 s. The powerset model has the same front end and 589 frames in 10 s. */
export const PYANNET_FRAMES: FrameGeometry = {
  windowFrames: 293,
  stepSamples: 270,
  firstCentreSample: 495,
  sampleRate: 16_000,
};

/** First sample of a grid frame's cell; cells meet halfway between the centres, and the first one begins at 0. */
export function frameStartSample(frame: number, geometry: FrameGeometry): number {
  if (frame <= 0) return 0;
  const { firstCentreSample, stepSamples } = geometry;
  return Math.floor(firstCentreSample - stepSamples / 2) + frame * stepSamples;
}

/** Grid frames whose centre lies inside a waveform of so many samples. */
export function frameCountOf(samples: number, geometry: FrameGeometry): number {
  const { firstCentreSample, stepSamples } = geometry;
  return Math.max(0, Math.ceil((samples - firstCentreSample) / stepSamples));
}

/** How many frames `seconds` fill, rounded up. */
export function framesCovering(
  seconds: number,
  { sampleRate, stepSamples }: FrameGeometry,
): number {
  return Math.ceil((seconds * sampleRate) / stepSamples);
}

/** Seconds that so many frames fill. */
export function secondsOf(frames: number, { sampleRate, stepSamples }: FrameGeometry): number {
  return (frames * stepSamples) / sampleRate;
}
