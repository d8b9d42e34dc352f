/**
 * PyanNet, the segmentation model of pyannote: who of up to three local speakers is active, every 16.875 ms of a 5 s
 * window. Source: Bredin and Laurent, "End-to-end speaker segmentation for overlap-aware resegmentation", arXiv
 * 2104.04045; its front end is SincNet (Ravanelli and Bengio, arXiv 1808.00158). Weight names as in pyannote.audio.
 *
 * waveform (W, 80000), 16 kHz → activations (W, 293, 3), each a probability.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import { add, reshape, squeeze, table, transpose, unsqueeze } from '../onnx/ops.ts';
import { lstmLayer } from './lstm.ts';
import { SINC_FILTERS, SINC_KERNEL, sincFilters } from './sinc-filters.ts';

const WINDOW_SAMPLES = 80_000;
const WINDOW_FRAMES = 293;
const SINC_STRIDE = 10;
const LSTM_LAYERS = 4;
const LINEAR_LAYERS = 2;

/** Writes the whole network into `model`, in float32 for every target: it is small, and its norms need the range. */
export function buildSegmentationGraph(model: ModelBuilder): void {
  const g = model.graph;
  const waveform = g.input('waveform', 'float32', ['windows', WINDOW_SAMPLES]);
  let x = transpose(g, sincNet(g, unsqueeze(g, waveform, 1)), [2, 0, 1]);
  for (let layer = 0; layer < LSTM_LAYERS; layer++) x = lstm(g, x, layer);
  x = transpose(g, x, [1, 0, 2]);
  for (let layer = 0; layer < LINEAR_LAYERS; layer++) {
    x = leakyRelu(g, affine(g, x, `linear.${layer}`));
  }
  const activations = g.op('Sigmoid', [affine(g, x, 'classifier')]);
  const [speakers] = model.shapeOf('classifier.bias', 1);
  g.output('activations', activations, ['windows', WINDOW_FRAMES, speakers ?? 'speakers']);
}

/** (W, 1, samples) → (W, 60, frames): three convolutions, each pooled by 3 and normalised over its time. */
function sincNet(g: GraphBuilder, waveform: Value): Value {
  return g.within('sincnet', () => {
    const parameter = (name: string) =>
      g.model.weights.readFloat32(`sincnet.conv1d.0.filterbank.${name}`);
    const filters = sincFilters({
      lowHertz: parameter('low_hz_'),
      bandHertz: parameter('band_hz_'),
      times: parameter('n_'),
      window: parameter('window_'),
    });
    let x = sincLayer(g, waveform, filters);
    for (const layer of [1, 2]) {
      const name = `sincnet.conv1d.${layer}`;
      const inputs = [x, trained(g, `${name}.weight`, 3), trained(g, `${name}.bias`, 1)];
      const bands = g.op('Conv', inputs, { kernel_shape: [5] });
      x = normAndRelu(g, g.op('MaxPool', [bands], { kernel_shape: [3], strides: [3] }), layer);
    }
    return x;
  });
}

/**
 * The band-pass filters and their pooling, as on an image one pixel high: onnxruntime's kernel for those sums in an
 * order that comes closer to the reference (largest difference 0.0011 instead of 0.0033) at the same speed.
 */
function sincLayer(g: GraphBuilder, waveform: Value, filters: Float32Array): Value {
  const sinc = table(g, 'sinc_filters', [SINC_FILTERS, 1, 1, SINC_KERNEL], filters);
  const row = unsqueeze(g, instanceNorm(g, waveform, 'sincnet.wav_norm1d'), 2);
  const shape = { kernel_shape: [1, SINC_KERNEL], strides: [1, SINC_STRIDE] };
  const bands = g.op('Abs', [g.op('Conv', [row, sinc], shape)]);
  const pooled = g.op('MaxPool', [bands], { kernel_shape: [1, 3], strides: [1, 3] });
  return normAndRelu(g, squeeze(g, pooled, 2), 0);
}

function normAndRelu(g: GraphBuilder, x: Value, layer: number): Value {
  return leakyRelu(g, instanceNorm(g, x, `sincnet.norm1d.${layer}`));
}

function instanceNorm(g: GraphBuilder, x: Value, name: string): Value {
  const inputs = [x, trained(g, `${name}.weight`, 1), trained(g, `${name}.bias`, 1)];
  return g.op('InstanceNormalization', inputs, { epsilon: { float: 1e-5 } });
}

/** One bidirectional layer: (frames, W, inputs) → (frames, W, 2 · hidden). */
function lstm(g: GraphBuilder, x: Value, layer: number): Value {
  const { steps, hidden } = lstmLayer(g, x, layer, { direction: 'bidirectional' });
  return g.within(`lstm${layer}`, () => mergeDirections(g, steps, 2 * hidden));
}

/** (frames, 2, W, hidden) → (frames, W, 2 · hidden) */
function mergeDirections(g: GraphBuilder, y: Value, width: number): Value {
  return reshape(g, transpose(g, y, [0, 2, 1, 3]), [0, 0, width]);
}

function affine(g: GraphBuilder, x: Value, name: string): Value {
  const y = g.op('FusedMatMul', [x, trained(g, `${name}.weight`, 2)], { transB: 1 });
  return add(g, y, trained(g, `${name}.bias`, 1));
}

function leakyRelu(g: GraphBuilder, x: Value): Value {
  return g.op('LeakyRelu', [x], { alpha: { float: 0.01 } });
}

/** A trained tensor, copied: nine tenths of the weights change their layout, so the source file is not worth keeping. */
function trained(g: GraphBuilder, name: string, rank: number): Value {
  const { model } = g;
  const dims = model.shapeOf(name, rank);
  const at = model.data.put(name, () => model.weights.readFloat32(name));
  return model.external(name, 'float32', dims, at);
}
