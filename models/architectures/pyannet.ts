/**
 * PyanNet, the segmentation model of pyannote: who of up to three local speakers is active, every 16.875 ms of a window.
 * Source: Bredin and Laurent, "End-to-end speaker segmentation for overlap-aware resegmentation", arXiv 2104.04045; its
 * front end is SincNet (Ravanelli and Bengio, arXiv 1808.00158). Weight names as in pyannote.audio, or MLX's.
 *
 * The classifier says which of two it is:
 *
 * - 3 classes, a speaker each: pyannote/segmentation, windows of 5 s;
 * - 7 classes, a set of speakers each: pyannote/segmentation-3.0, windows of 10 s. Source: Plaquet and Bredin, "Powerset
 *   multi-class cross entropy loss for neural speaker diarization", arXiv 2310.13025.
 *
 * waveform (W, 80000 or 160000), 16 kHz → activations (W, 293 or 589, 3), each the probability that the speaker is active.
 */
import type { Architecture } from '../architecture.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder, WeightSource } from '../onnx/model-builder.ts';
import {
  add,
  matMul,
  reshape,
  softmax,
  squeeze,
  table,
  transpose,
  unsqueeze,
} from '../onnx/ops.ts';
import { lstmLayer } from './lstm.ts';
import { pyannetWeights, READY_FILTERS } from './pyannet-weights.ts';
import { SINC_FILTERS, SINC_KERNEL, sincFilters } from './sinc-filters.ts';

export const PYANNET: Architecture = {
  name: 'pyannet',
  sideFiles: ['config.json'],
  graphs: () => [{ name: 'segmentation', fill: (model) => buildSegmentationGraph(model) }],
};

const SINC_STRIDE = 10;
const POOL = 3;
const KERNEL = 5;
const SPEAKERS = 3;
/** Speakers of each of the powerset's classes: nobody, one, two at a time. */
const POWERSET = [[], [0], [1], [2], [0, 1], [0, 2], [1, 2]] as const;
const WINDOW_SECONDS: Readonly<Record<number, number>> = { [SPEAKERS]: 5, [POWERSET.length]: 10 };

/** Writes the whole network into `model`, in float32 for every target: it is small, and its norms need the range. */
export function buildSegmentationGraph(model: ModelBuilder): void {
  const g = model.graph;
  const weights = pyannetWeights(model.weights);
  const [classes = 0] = weights.tensors.get('classifier.bias')?.shape ?? [];
  const windowSeconds = WINDOW_SECONDS[classes];
  if (!windowSeconds) throw new Error(`PyanNet has 3 or 7 classes, not ${classes}`);
  const windowSamples = windowSeconds * 16_000;
  const waveform = g.input('waveform', 'float32', ['windows', windowSamples]);
  let x = transpose(g, sincNet(g, weights, unsqueeze(g, waveform, 1)), [2, 0, 1]);
  for (let layer = 0; weights.tensors.has(`lstm.weight_ih_l${layer}`); layer++) {
    x = lstm(g, weights, { x, layer });
  }
  x = transpose(g, x, [1, 0, 2]);
  for (let layer = 0; weights.tensors.has(`linear.${layer}.weight`); layer++) {
    x = leakyRelu(g, affine(g, weights, { x, name: `linear.${layer}` }));
  }
  const scores = affine(g, weights, { x, name: 'classifier' });
  const activations = classes === SPEAKERS ? g.op('Sigmoid', [scores]) : ofSpeakers(g, scores);
  g.output('activations', activations, ['windows', frameCount(windowSamples), SPEAKERS]);
}

/** Probabilities of sets of speakers → probability of each speaker: the sum over the sets with them. */
function ofSpeakers(g: GraphBuilder, scores: Value): Value {
  const members = new Float32Array(POWERSET.length * SPEAKERS);
  for (const [row, set] of POWERSET.entries()) {
    for (const speaker of set) members[row * SPEAKERS + speaker] = 1;
  }
  const sets = table(g, 'powerset', [POWERSET.length, SPEAKERS], members);
  return matMul(g, softmax(g, scores), sets);
}

function frameCount(samples: number): number {
  const pooled = (frames: number) => Math.floor(frames / POOL);
  const filtered = Math.floor((samples - SINC_KERNEL) / SINC_STRIDE) + 1;
  return pooled(pooled(pooled(filtered) - KERNEL + 1) - KERNEL + 1);
}

/** (W, 1, samples) → (W, 60, frames): three convolutions, each pooled by 3 and normalised over its time. */
function sincNet(g: GraphBuilder, weights: WeightSource, waveform: Value): Value {
  return g.within('sincnet', () => {
    let x = sincLayer(g, weights, waveform);
    for (const layer of [1, 2]) {
      const name = `sincnet.conv1d.${layer}`;
      const inputs = [
        x,
        trained(g, weights, `${name}.weight`),
        trained(g, weights, `${name}.bias`),
      ];
      const bands = g.op('Conv', inputs, { kernel_shape: [KERNEL] });
      const pooled = g.op('MaxPool', [bands], { kernel_shape: [POOL], strides: [POOL] });
      x = normAndRelu(g, weights, { x: pooled, layer });
    }
    return x;
  });
}

/**
 * The band-pass filters and their pooling, as on an image one pixel high: onnxruntime's kernel for those sums in an
 * order that comes closer to the reference (largest difference 0.0011 instead of 0.0033) at the same speed.
 */
function sincLayer(g: GraphBuilder, weights: WeightSource, waveform: Value): Value {
  const filters = filtersOf(weights);
  const sinc = table(g, 'sinc_filters', [SINC_FILTERS, 1, 1, SINC_KERNEL], filters);
  const row = unsqueeze(
    g,
    instanceNorm(g, weights, { x: waveform, name: 'sincnet.wav_norm1d' }),
    2,
  );
  const shape = { kernel_shape: [1, SINC_KERNEL], strides: [1, SINC_STRIDE] };
  const bands = g.op('Abs', [g.op('Conv', [row, sinc], shape)]);
  const pooled = g.op('MaxPool', [bands], { kernel_shape: [1, POOL], strides: [1, POOL] });
  return normAndRelu(g, weights, { x: squeeze(g, pooled, 2), layer: 0 });
}

function filtersOf(weights: WeightSource): Float32Array {
  if (weights.tensors.has(READY_FILTERS)) return weights.readFloat32(READY_FILTERS);
  const parameter = (name: string) => weights.readFloat32(`sincnet.conv1d.0.filterbank.${name}`);
  return sincFilters({
    lowHertz: parameter('low_hz_'),
    bandHertz: parameter('band_hz_'),
    times: parameter('n_'),
    window: parameter('window_'),
  });
}

interface LayerInput {
  readonly x: Value;
  readonly layer: number;
}

interface NamedInput {
  readonly x: Value;
  /** Of the weights, without `.weight` and `.bias`. */
  readonly name: string;
}

function normAndRelu(g: GraphBuilder, weights: WeightSource, { x, layer }: LayerInput): Value {
  return leakyRelu(g, instanceNorm(g, weights, { x, name: `sincnet.norm1d.${layer}` }));
}

function instanceNorm(g: GraphBuilder, weights: WeightSource, { x, name }: NamedInput): Value {
  const inputs = [x, trained(g, weights, `${name}.weight`), trained(g, weights, `${name}.bias`)];
  return g.op('InstanceNormalization', inputs, { epsilon: { float: 1e-5 } });
}

/** One bidirectional layer: (frames, W, inputs) → (frames, W, 2 · hidden). */
function lstm(g: GraphBuilder, weights: WeightSource, { x, layer }: LayerInput): Value {
  const { steps, hidden } = lstmLayer(g, x, layer, { direction: 'bidirectional', weights });
  return g.within(`lstm${layer}`, () => mergeDirections(g, steps, 2 * hidden));
}

/** (frames, 2, W, hidden) → (frames, W, 2 · hidden) */
function mergeDirections(g: GraphBuilder, y: Value, width: number): Value {
  return reshape(g, transpose(g, y, [0, 2, 1, 3]), [0, 0, width]);
}

function affine(g: GraphBuilder, weights: WeightSource, { x, name }: NamedInput): Value {
  const y = g.op('FusedMatMul', [x, trained(g, weights, `${name}.weight`)], { transB: 1 });
  return add(g, y, trained(g, weights, `${name}.bias`));
}

function leakyRelu(g: GraphBuilder, x: Value): Value {
  return g.op('LeakyRelu', [x], { alpha: { float: 0.01 } });
}

/** A trained tensor, copied: nine tenths of the weights change their layout, so the source file is not worth keeping. */
function trained(g: GraphBuilder, weights: WeightSource, name: string): Value {
  const { model } = g;
  const dims = weights.tensors.get(name)?.shape;
  if (!dims) throw new Error(`the weights of PyanNet lack "${name}"`);
  const at = model.data.put(name, () => weights.readFloat32(name));
  return model.external(name, 'float32', dims, at);
}
