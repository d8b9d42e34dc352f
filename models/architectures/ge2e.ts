/**
 * GE2E speaker encoder: who speaks, as a point on a sphere. Source: Wan et al., "Generalized end-to-end loss for speaker
 * verification", arXiv 1710.10467; weight names and front end as in Resemblyzer 0.1.4.
 *
 * waveform (P, 240 + 160 · frames), 16 kHz → embeddings (P, 256) of length 1.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import {
  add,
  cast,
  matMul,
  mul,
  scalar,
  slice,
  squeeze,
  table,
  transpose,
  unsqueeze,
} from '../onnx/ops.ts';
import { weight } from './layers.ts';
import { fourierBasis, melFilters } from './log-mel.ts';
import { lstmLayer } from './lstm.ts';
import { unitLength } from './unit-length.ts';

/** From one frame of the mel spectrogram to the next: 10 ms. */
export const GE2E_HOP_SAMPLES = 160;
/** What one frame sees: 25 ms. */
export const GE2E_FRAME_SAMPLES = 400;

const MEL_BINS = 40;
const FOURIER_BINS = GE2E_FRAME_SAMPLES / 2 + 1;
const LSTM_LAYERS = 3;
const FORWARD = { direction: 'forward', stored: 'float16' } as const;

export interface Ge2eOptions {
  /** Adds a `mel` output (P, frames, 40), for parity tests. */
  readonly exposeMel?: boolean;
}

/**
 * Writes the whole network into `model`. Weights are stored in float16, which moves no embedding by more than 1e-5 in
 * cosine, and multiplied in float32.
 */
export function buildGe2eGraph(model: ModelBuilder, { exposeMel = false }: Ge2eOptions = {}): void {
  const g = model.graph;
  const waveform = g.input('waveform', 'float32', ['partials', 'samples']);
  const mel = melPower(g, waveform);
  if (exposeMel) g.output('mel', transpose(g, mel, [0, 2, 1]), ['partials', 'steps', MEL_BINS]);
  const last = encode(g, transpose(g, mel, [2, 0, 1]));
  const [dimensions = 0] = model.shapeOf('linear.bias', 1);
  g.output('embeddings', unitLength(g, project(g, last)), ['partials', dimensions]);
}

/** Power in mel bands, without logarithm: (P, samples) → (P, 40, frames). */
function melPower(g: GraphBuilder, waveform: Value): Value {
  return g.within('mel', () => {
    const dims = [2 * FOURIER_BINS, 1, GE2E_FRAME_SAMPLES];
    const basis = table(g, 'fourier_basis', dims, fourierBasis());
    const shape = { kernel_shape: [GE2E_FRAME_SAMPLES], strides: [GE2E_HOP_SAMPLES] };
    const stft = g.op('Conv', [unsqueeze(g, waveform, 1), basis], shape);
    const squares = mul(g, stft, stft);
    const power = add(g, slice(g, squares, 1, 0, FOURIER_BINS), slice(g, squares, 1, FOURIER_BINS));
    const filters = table(g, 'mel_filters', [MEL_BINS, FOURIER_BINS], melFilters(MEL_BINS));
    return matMul(g, filters, power);
  });
}

/** (frames, P, 40) → (P, 256): what the last layer remembers after the last frame. */
function encode(g: GraphBuilder, mel: Value): Value {
  let x = mel;
  for (let layer = 0; layer < LSTM_LAYERS - 1; layer++) {
    x = squeeze(g, lstmLayer(g, x, layer, FORWARD).steps, 1);
  }
  const top = { ...FORWARD, keepLast: true };
  const { last } = lstmLayer(g, x, LSTM_LAYERS - 1, top);
  if (!last) throw new Error('the last state is missing');
  return squeeze(g, last, 0);
}

function project(g: GraphBuilder, x: Value): Value {
  const y = g.op('FusedMatMul', [x, cast(g, weight(g, 'linear.weight', 2, 'float16'), 'float32')], {
    transB: 1,
  });
  return g.op('Max', [add(g, y, weight(g, 'linear.bias', 1)), scalar(g, 0)]);
}
