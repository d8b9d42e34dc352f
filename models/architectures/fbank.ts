/**
 * Kaldi's log-mel filter bank as graph nodes: waveform (B, N) → features (B, frames, 80), each mel bin with mean 0 over
 * the voice. As `torchaudio.compliance.kaldi.fbank` with a Hamming window, no dither and only whole frames; samples are
 * in -1..1, and are scaled to 16 bits here.
 *
 * All that Kaldi does to a frame before the logarithm of its power is linear: its mean is taken away, it is emphasised
 * (0.97), windowed and transformed. So one convolution does it.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  add,
  matMul,
  mul,
  reduce,
  scalar,
  slice,
  sub,
  table,
  transpose,
  unsqueeze,
} from '../onnx/ops.ts';

export const FBANK_BINS = 80;
/** 25 ms. */
export const FBANK_FRAME_SAMPLES = 400;
/** 10 ms. */
export const FBANK_HOP_SAMPLES = 160;

const SAMPLE_RATE = 16_000;
const N_FFT = 512;
/** Without the one at 8 kHz, which no mel bin hears. */
const FOURIER_BINS = N_FFT / 2;
const PRE_EMPHASIS = 0.97;
const FULL_SCALE = 2 ** 15;
/** Machine epsilon of float32: Kaldi's floor. */
const FLOOR = 2 ** -23;
const LOW_HERTZ = 20;

export function fbank(g: GraphBuilder, waveform: Value): Value {
  return g.within('fbank', () => {
    const dims = [2 * FOURIER_BINS, 1, FBANK_FRAME_SAMPLES];
    const basis = table(g, 'fourier_basis', dims, kaldiBasis());
    const shape = { kernel_shape: [FBANK_FRAME_SAMPLES], strides: [FBANK_HOP_SAMPLES] };
    const spectrum = g.op('Conv', [unsqueeze(g, waveform, 1), basis], shape);
    const squares = mul(g, spectrum, spectrum);
    const power = add(g, slice(g, squares, 1, 0, FOURIER_BINS), slice(g, squares, 1, FOURIER_BINS));
    const filters = table(g, 'mel_filters', [FBANK_BINS, FOURIER_BINS], kaldiMelFilters());
    const mel = g.op('Max', [matMul(g, filters, power), scalar(g, FLOOR)]);
    const log = g.op('Log', [mel]);
    return transpose(g, sub(g, log, reduce(g, 'ReduceMean', log, 2, 1)), [0, 2, 1]);
  });
}

/** Row-major (2 · 256, 400): cosines, then sines, with all that comes before them. */
export function kaldiBasis(): Float32Array {
  const basis = new Float32Array(2 * FOURIER_BINS * FBANK_FRAME_SAMPLES);
  for (let k = 0; k < FOURIER_BINS; k++) {
    const phase = (n: number) => (2 * Math.PI * ((k * n) % N_FFT)) / N_FFT;
    basis.set(
      prepared((n) => Math.cos(phase(n))),
      k * FBANK_FRAME_SAMPLES,
    );
    basis.set(
      prepared((n) => Math.sin(phase(n))),
      (FOURIER_BINS + k) * FBANK_FRAME_SAMPLES,
    );
  }
  return basis;
}

/** What a frame has to be multiplied with so that the sum is that of the prepared frame times `wave`. */
function prepared(wave: (n: number) => number): Float64Array {
  const last = FBANK_FRAME_SAMPLES - 1;
  const windowed = Float64Array.from({ length: FBANK_FRAME_SAMPLES }, (_, n) => {
    return FULL_SCALE * (0.54 - 0.46 * Math.cos((2 * Math.PI * n) / last)) * wave(n);
  });
  const emphasised = windowed.map((value, n) => value - PRE_EMPHASIS * (windowed[n + 1] ?? 0));
  emphasised[0]! -= PRE_EMPHASIS * windowed[0]!;
  const mean = emphasised.reduce((sum, value) => sum + value, 0) / FBANK_FRAME_SAMPLES;
  return emphasised.map((value) => value - mean);
}

/** Row-major (80, 256): triangles on the mel scale from 20 Hz to 8 kHz, all of height 1. */
export function kaldiMelFilters(): Float32Array {
  const [low, high] = [hertzToMel(LOW_HERTZ), hertzToMel(SAMPLE_RATE / 2)];
  const step = (high - low) / (FBANK_BINS + 1);
  const filters = new Float32Array(FBANK_BINS * FOURIER_BINS);
  for (let m = 0; m < FBANK_BINS; m++) {
    const left = low + m * step;
    for (let k = 0; k < FOURIER_BINS; k++) {
      const rise = (hertzToMel((k * SAMPLE_RATE) / N_FFT) - left) / step;
      filters[m * FOURIER_BINS + k] = Math.max(0, Math.min(rise, 2 - rise));
    }
  }
  return filters;
}

function hertzToMel(hertz: number): number {
  return 1127 * Math.log(1 + hertz / 700);
}
