/**
 * The band-pass filters of SincNet, computed from their two trained numbers each. Source: Ravanelli and Bengio, arXiv
 * 1808.00158; the odd (sine) half: Pariente et al., "Filterbank design for end-to-end speech separation", arXiv
 * 1910.10400.
 *
 * Each step is rounded to float32, as it was in training. Phases reach 390 rad, where float32 is good to 1e-5 only; the
 * network magnifies that: with filters in float64 single activations move by 0.1.
 */

/** Even and odd filters together. */
export const SINC_FILTERS = 80;
export const SINC_KERNEL = 251;

const MAX_HERTZ = 8_000;
const MIN_LOW_HERTZ = 50;
const MIN_BAND_HERTZ = 50;

export interface SincParameters {
  /** `(40)` trained lower edge of each band, in Hz, without its minimum of 50. */
  readonly lowHertz: Float32Array;
  /** `(40)` trained width of each band, likewise. */
  readonly bandHertz: Float32Array;
  /** `(125)` 2π times the time of each tap before the middle one, in seconds: negative, rising. */
  readonly times: Float32Array;
  /** `(125)` first half of a Hamming window. */
  readonly window: Float32Array;
}

/** @returns row-major `(80, 251)`: the 40 even filters, then the 40 odd ones */
export function sincFilters(parameters: SincParameters): Float32Array {
  const bands = SINC_FILTERS / 2;
  const half = (SINC_KERNEL - 1) / 2;
  checkLength('bands', [parameters.lowHertz, parameters.bandHertz], bands);
  checkLength('taps', [parameters.times, parameters.window], half);
  const filters = new Float32Array(SINC_FILTERS * SINC_KERNEL);
  for (let band = 0; band < bands; band++) {
    const even = band * SINC_KERNEL;
    const odd = even + bands * SINC_KERNEL;
    const last = SINC_KERNEL - 1;
    filters[even + half] = 1;
    for (let i = 0; i < half; i++) {
      const { cosine, sine } = tap(parameters, band, i);
      filters[even + i] = cosine;
      filters[even + last - i] = cosine;
      filters[odd + i] = sine;
      filters[odd + last - i] = -sine;
    }
  }
  return filters;
}

const f32 = Math.fround;

/** The difference of two low-pass filters, windowed; the middle tap of the even filter is 1. */
function tap(
  { lowHertz, bandHertz, times, window }: SincParameters,
  band: number,
  i: number,
): { cosine: number; sine: number } {
  const low = f32(MIN_LOW_HERTZ + Math.abs(lowHertz[band]!));
  const high = Math.min(f32(f32(low + MIN_BAND_HERTZ) + Math.abs(bandHertz[band]!)), MAX_HERTZ);
  const time = times[i]!;
  const [lowPhase, highPhase] = [f32(low * time), f32(high * time)];
  const scaled = (difference: number) =>
    f32(f32(f32(difference / f32(time / 2)) * window[i]!) / f32(2 * f32(high - low)));
  return {
    cosine: scaled(f32(f32(Math.sin(highPhase)) - f32(Math.sin(lowPhase)))),
    sine: scaled(f32(f32(Math.cos(lowPhase)) - f32(Math.cos(highPhase)))),
  };
}

function checkLength(what: string, arrays: readonly Float32Array[], expected: number): void {
  for (const { length } of arrays) {
    if (length !== expected) throw new Error(`SincNet has ${expected} ${what}, not ${length}.`);
  }
}
