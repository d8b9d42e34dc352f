/** How large a `Wav2Vec2ForCTC` is, computed from its dimensions. */
import type { ModelTarget } from '#models/target.ts';

/** The dimensions of `config.json` that decide the size; all else is as in every published wav2vec 2.0. */
export interface CtcDimensions {
  readonly width: number;
  readonly layers: number;
  readonly feedForward: number;
  readonly vocabSize: number;
  /** `layer` models also have biases in the feature extractor's convolutions. */
  readonly featureNorm: 'group' | 'layer';
}

const CONV_WIDTH = 512;
const CONV_KERNELS = [10, 3, 3, 3, 3, 2, 2] as const;
const POSITION_KERNEL = 128;
const POSITION_GROUPS = 16;
const FRAMES_PER_CHUNK = 1500;
const INT8_OVERHEAD = 1.02;
const RUNTIME_BYTES = { cpu: 100e6, 'cpu-f32': 100e6, 'cuda-f16': 600e6 } as const;
const VALUE_BYTES = { cpu: 4, 'cpu-f32': 4, 'cuda-f16': 2 } as const;
/** Items of 30 s in one run, and the frames in one block of their convolutions. */
const BATCH_SIZE = { cpu: 1, 'cpu-f32': 1, 'cuda-f16': 16 } as const;
const BLOCK_FRAMES = { cpu: 50, 'cpu-f32': 50, 'cuda-f16': 500 } as const;
const HEAD_SIZE = 64;

/** Number of weights, `masked_spec_embed` (used in training only) left out. */
export function ctcParameterCount(dims: CtcDimensions): number {
  const { width: d, layers, feedForward, vocabSize } = dims;
  const position = (d * d * POSITION_KERNEL) / POSITION_GROUPS + POSITION_KERNEL + d;
  const projection = 2 * CONV_WIDTH + CONV_WIDTH * d + d;
  const layer = 4 * (d * d + d) + 2 * d * feedForward + feedForward + d + 4 * d;
  return (
    convParameters(dims) + projection + position + layers * layer + 2 * d + vocabSize * (d + 1)
  );
}

/** Weights of the transformer's matrices: those that the `cpu` target holds in 8 bits. */
export function ctcLinearParameterCount({ width: d, layers, feedForward }: CtcDimensions): number {
  return layers * (4 * d * d + 2 * d * feedForward);
}

/** Bytes of the built model on disk, to a few percent. */
export function ctcDiskBytes(dims: CtcDimensions, target: ModelTarget): number {
  const parameters = ctcParameterCount(dims);
  if (target !== 'cpu') return parameters * VALUE_BYTES[target];
  const linear = ctcLinearParameterCount(dims);
  return Math.round(linear * INT8_OVERHEAD + (parameters - linear) * VALUE_BYTES.cpu);
}

/**
 * An estimate of the memory at full load: the runtime, the weights, and for each item of 30 s the attention's scores and
 * a few copies of what the first convolution gives for one block.
 */
export function ctcMemoryBytes(dims: CtcDimensions, target: ModelTarget): number {
  const scores = (dims.width / HEAD_SIZE) * FRAMES_PER_CHUNK ** 2;
  const block = 4 * CONV_WIDTH * 64 * BLOCK_FRAMES[target];
  const perItem = (scores + block) * VALUE_BYTES[target];
  return RUNTIME_BYTES[target] + ctcDiskBytes(dims, target) + BATCH_SIZE[target] * perItem;
}

function convParameters({ featureNorm }: CtcDimensions): number {
  const weights = CONV_KERNELS.reduce((sum: number, kernel, i) => {
    return sum + kernel * CONV_WIDTH * (i === 0 ? 1 : CONV_WIDTH);
  }, 0);
  // Each layer its bias and norm, or the first layer's norm alone.
  const rest = featureNorm === 'layer' ? 3 * CONV_WIDTH * CONV_KERNELS.length : 2 * CONV_WIDTH;
  return weights + rest;
}
