/**
 * The log-mel front end of Whisper as graph nodes: waveform (B, N) → log-mel (B, melBins, N / 160).
 *
 * The short-time Fourier transform is a convolution with Hann-windowed cosines and sines, so that it runs on whatever
 * device runs the rest.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  add,
  ints,
  matMul,
  mul,
  reduce,
  scalar,
  slice,
  sub,
  table,
  unsqueeze,
} from '../onnx/ops.ts';

export const SAMPLE_RATE = 16_000;
const N_FFT = 400;
const HOP_LENGTH = 160;
const N_BINS = N_FFT / 2 + 1;

export function logMel(g: GraphBuilder, waveform: Value, melBins: number): Value {
  return g.within('log_mel', () => {
    const basis = table(g, 'fourier_basis', [2 * N_BINS, 1, N_FFT], fourierBasis());
    const pads = [0, 0, N_FFT / 2, 0, 0, N_FFT / 2];
    const padded = g.op('Pad', [unsqueeze(g, waveform, 1), ints(g, pads)], { mode: 'reflect' });
    const stft = g.op('Conv', [padded, basis], { kernel_shape: [N_FFT], strides: [HOP_LENGTH] });
    const frames = slice(g, stft, 2, 0, -1); // the last frame is dropped, as Whisper does
    const squares = mul(g, frames, frames);
    const power = add(g, slice(g, squares, 1, 0, N_BINS), slice(g, squares, 1, N_BINS));
    const filters = table(g, `mel_filters_${melBins}`, [melBins, N_BINS], melFilters(melBins));
    const mel = g.op('Max', [matMul(g, filters, power), scalar(g, 1e-10)]);
    const log10 = mul(g, g.op('Log', [mel]), scalar(g, 1 / Math.LN10));
    const loudest = reduce(g, 'ReduceMax', reduce(g, 'ReduceMax', log10, 2, 1), 1, 1);
    const floored = g.op('Max', [log10, sub(g, loudest, scalar(g, 8))]);
    return mul(g, add(g, floored, scalar(g, 4)), scalar(g, 1 / 4));
  });
}

/** Row-major (2 · 201, 400): cosines, then sines, each times a periodic Hann window. */
export function fourierBasis(): Float32Array {
  const basis = new Float32Array(2 * N_BINS * N_FFT);
  for (let k = 0; k < N_BINS; k++) {
    for (let n = 0; n < N_FFT; n++) {
      const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / N_FFT);
      const phase = (2 * Math.PI * ((k * n) % N_FFT)) / N_FFT;
      basis[k * N_FFT + n] = hann * Math.cos(phase);
      basis[(N_BINS + k) * N_FFT + n] = hann * Math.sin(phase);
    }
  }
  return basis;
}

/** Row-major (melBins, 201): triangles of equal area on Slaney's mel scale from 0 to 8 kHz, as librosa's default. */
export function melFilters(melBins: number): Float32Array {
  const top = hertzToMel(SAMPLE_RATE / 2);
  const edges = Array.from({ length: melBins + 2 }, (_, i) =>
    melToHertz((top * i) / (melBins + 1)),
  );
  const filters = new Float32Array(melBins * N_BINS);
  for (let m = 0; m < melBins; m++) {
    const [low, centre, high] = [edges[m]!, edges[m + 1]!, edges[m + 2]!];
    for (let k = 0; k < N_BINS; k++) {
      const hertz = (k * SAMPLE_RATE) / N_FFT;
      const height = Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
      filters[m * N_BINS + k] = (Math.max(0, height) * 2) / (high - low);
    }
  }
  return filters;
}

/** Slaney's scale: linear below 1 kHz (15 mel), then 27 mel for a factor of 6.4. */
const LOG_START_HERTZ = 1000;
const LINEAR_HERTZ_PER_MEL = 200 / 3;
const LOG_START_MEL = LOG_START_HERTZ / LINEAR_HERTZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

function hertzToMel(hertz: number): number {
  if (hertz < LOG_START_HERTZ) return hertz / LINEAR_HERTZ_PER_MEL;
  return LOG_START_MEL + Math.log(hertz / LOG_START_HERTZ) / LOG_STEP;
}

function melToHertz(mel: number): number {
  if (mel < LOG_START_MEL) return mel * LINEAR_HERTZ_PER_MEL;
  return LOG_START_HERTZ * Math.exp((mel - LOG_START_MEL) * LOG_STEP);
}
