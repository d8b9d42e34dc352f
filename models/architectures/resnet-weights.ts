/**
 * Convolutions of a residual network with their batch norms folded in, out of either of two published layouts:
 *
 * - torch, as in pyannote.audio: `resnet.layer1.0.conv1.weight` (outputs, inputs, height, width) and
 *   `resnet.layer1.0.bn1.…`;
 * - MLX, already folded: `layer1.0.conv1.weight` (outputs, height, width, inputs) and `layer1.0.conv1.bias`.
 */
import type { WeightSource } from '../onnx/model-builder.ts';

export interface FoldedConvolution {
  /** Row-major (outputs, inputs, height, width). */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly dims: readonly [number, number, number, number];
}

/** Of torch's `BatchNorm2d`. */
const EPSILON = 1e-5;

export type ResnetLayout = 'torch' | 'mlx';

export function resnetLayout(weights: WeightSource): ResnetLayout {
  return weights.tensors.has('resnet.conv1.weight') ? 'torch' : 'mlx';
}

/** Whether a block has a convolution on its way around. */
export function hasShortcut(weights: WeightSource, block: string): boolean {
  return [`resnet.${block}.shortcut.0.weight`, `${block}.shortcut.weight`].some((name) =>
    weights.tensors.has(name),
  );
}

/**
 * @param name without `resnet.`, e.g. `layer1.0.conv1`; `layer2.0.shortcut` is the way around
 * @throws Error if the weights lack it
 */
export function foldedConvolution(weights: WeightSource, name: string): FoldedConvolution {
  return resnetLayout(weights) === 'torch' ? foldTorch(weights, name) : readMlx(weights, name);
}

function foldTorch(weights: WeightSource, name: string): FoldedConvolution {
  const isShortcut = name.endsWith('.shortcut');
  const conv = isShortcut ? `resnet.${name}.0` : `resnet.${name}`;
  const norm = isShortcut ? `resnet.${name}.1` : `resnet.${name.replace(/conv(\d)$/, 'bn$1')}`;
  const dims = shapeOf(weights, `${conv}.weight`);
  const read = (part: string) => weights.readFloat32(`${norm}.${part}`);
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(read);
  if (!gamma || !beta || !mean || !variance) throw new Error(`${norm} is incomplete`);
  const scale = gamma.map((value, o) => value / Math.sqrt(variance[o]! + EPSILON));
  const perOutput = dims[1] * dims[2] * dims[3];
  const weight = weights
    .readFloat32(`${conv}.weight`)
    .map((value, i) => value * scale[Math.floor(i / perOutput)]!);
  const bias = beta.map((value, o) => value - mean[o]! * scale[o]!);
  return { weight, bias, dims };
}

function readMlx(weights: WeightSource, name: string): FoldedConvolution {
  const [outputs, height, width, inputs] = shapeOf(weights, `${name}.weight`);
  const published = weights.readFloat32(`${name}.weight`);
  const weight = new Float32Array(published.length);
  const places = height * width;
  for (let o = 0; o < outputs; o++) {
    for (let place = 0; place < places; place++) {
      for (let i = 0; i < inputs; i++) {
        weight[(o * inputs + i) * places + place] = published[(o * places + place) * inputs + i]!;
      }
    }
  }
  return {
    weight,
    bias: weights.readFloat32(`${name}.bias`),
    dims: [outputs, inputs, height, width],
  };
}

function shapeOf(weights: WeightSource, name: string): [number, number, number, number] {
  const shape = weights.tensors.get(name)?.shape;
  const [a, b, c, d] = shape ?? [];
  if (shape?.length !== 4 || !a || !b || !c || !d) {
    throw new Error(`weight "${name}" of a residual network is missing or has shape [${shape}]`);
  }
  return [a, b, c, d];
}
