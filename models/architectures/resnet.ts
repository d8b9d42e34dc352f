/**
 * WeSpeaker's ResNet34: who speaks, as a vector. Source: Wang et al., "WeSpeaker: a research and production oriented
 * speaker embedding learning toolkit", arXiv 2210.17016; as `WeSpeakerResNet34` of pyannote.audio runs it. Channels and
 * blocks follow from the weights, in torch's layout or in MLX's: see `resnet-weights.ts`.
 *
 * waveform (V, N), 16 kHz → embeddings (V, 256) of length 1. All voices of a run are equally long.
 */
import type { Architecture } from '../architecture.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import {
  add,
  cast,
  concat,
  div,
  mul,
  reduce,
  reshape,
  scalar,
  sizeOf,
  sub,
  transpose,
  unsqueeze,
} from '../onnx/ops.ts';
import { fbank } from './fbank.ts';
import { weight } from './layers.ts';
import { foldedConvolution, hasShortcut, resnetLayout } from './resnet-weights.ts';
import { unitLength } from './unit-length.ts';

const LAYERS = 4;

export const WESPEAKER_RESNET: Architecture = {
  name: 'wespeaker-resnet',
  sideFiles: ['config.json'],
  graphs: () => [{ name: 'speaker', fill: (model) => buildResnetGraph(model) }],
};

export interface ResnetOptions {
  /** Adds a `features` output (V, frames, 80), for parity tests. */
  readonly exposeFeatures?: boolean;
}

/** Writes the whole network into `model`, in float32 for every target. */
export function buildResnetGraph(
  model: ModelBuilder,
  { exposeFeatures = false }: ResnetOptions = {},
): void {
  const g = model.graph;
  const waveform = g.input('waveform', 'float32', ['voices', 'samples']);
  const features = fbank(g, waveform);
  if (exposeFeatures) g.output('features', features, ['voices', 'frames', 'bins']);
  let x = unsqueeze(g, transpose(g, features, [0, 2, 1]), 1);
  x = relu(g, convolution(g, x, 'conv1', 1));
  for (let layer = 1; layer <= LAYERS; layer++) x = residualLayer(g, x, layer);
  const isTorch = resnetLayout(model.weights) === 'torch';
  const name = isTorch ? 'resnet.seg_1' : 'embedding';
  const product = g.op('FusedMatMul', [statistics(g, x), weight(g, `${name}.weight`, 2)], {
    transB: 1,
  });
  const [dimensions = 0] = model.shapeOf(`${name}.bias`, 1);
  const embeddings = unitLength(g, add(g, product, weight(g, `${name}.bias`, 1)));
  g.output('embeddings', embeddings, ['voices', dimensions]);
}

/** As many blocks as the weights have; the first of all layers but one halves height and width. */
function residualLayer(g: GraphBuilder, input: Value, layer: number): Value {
  const { tensors } = g.model.weights;
  const has = (block: string) =>
    [`resnet.${block}.conv1.weight`, `${block}.conv1.weight`].some((name) => tensors.has(name));
  let x = input;
  for (let i = 0; i === 0 || has(`layer${layer}.${i}`); i++) {
    x = residualBlock(g, x, `layer${layer}.${i}`, layer > 1 && i === 0 ? 2 : 1);
  }
  return x;
}

function residualBlock(g: GraphBuilder, x: Value, block: string, stride: number): Value {
  return g.within(block, () => {
    const inner = relu(g, convolution(g, x, `${block}.conv1`, stride));
    const outer = convolution(g, inner, `${block}.conv2`, 1);
    const around = hasShortcut(g.model.weights, block)
      ? convolution(g, x, `${block}.shortcut`, stride)
      : x;
    return relu(g, add(g, outer, around));
  });
}

/** Sizes shrink by the stride only. */
function convolution(g: GraphBuilder, x: Value, name: string, stride: number): Value {
  const { model } = g;
  const { weight: kernel, bias, dims } = foldedConvolution(model.weights, name);
  const put = (part: string, values: Float32Array, shape: readonly number[]) => {
    const key = `${name}.${part}:folded`;
    const at = model.data.put(key, () => values);
    return model.external(key, 'float32', shape, at);
  };
  const [outputs, , height, width] = dims;
  const [top, left] = [Math.floor(height / 2), Math.floor(width / 2)];
  const inputs = [x, put('weight', kernel, dims), put('bias', bias, [outputs])];
  return g.op('Conv', inputs, {
    kernel_shape: [height, width],
    strides: [stride, stride],
    pads: [top, left, top, left],
  });
}

/** Mean and standard deviation over time: (V, channels, height, frames) → (V, 2 · channels · height). */
function statistics(g: GraphBuilder, x: Value): Value {
  return g.within('pool', () => {
    const mean = reduce(g, 'ReduceMean', x, 3, 1);
    const difference = sub(g, x, mean);
    const sum = reduce(g, 'ReduceSum', mul(g, difference, difference), 3, 1);
    const freedom = sub(g, cast(g, sizeOf(g, x, 3), 'float32'), scalar(g, 1));
    const variance = div(g, sum, g.op('Max', [freedom, scalar(g, 1)]));
    const flat = (value: Value) => reshape(g, value, [0, -1]);
    return concat(g, [flat(mean), flat(g.op('Sqrt', [variance]))], 1);
  });
}

function relu(g: GraphBuilder, x: Value): Value {
  return g.op('Relu', [x]);
}
