/** `Wav2Vec2ForCTC` checkpoints of any size with made-up weights, in the Hugging Face layout. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { CtcDimensions } from '#models/ctc-size.ts';
import { encodeFloats, type TensorShape, writeSafetensors } from '#models/safetensors-write.ts';

/** All that decides the names and shapes of a checkpoint's tensors. */
export interface CtcShape extends CtcDimensions {
  readonly convWidth: number;
  readonly positionKernel: number;
  readonly positionGroups: number;
  readonly heads: number;
  readonly isStable: boolean;
  readonly hasConvBias: boolean;
  /** Width of the language adapters' bottleneck, as in MMS. */
  readonly adapterWidth?: number;
  readonly weightNorm: 'parametrizations' | 'weight_g';
}

/** The smallest model that has all parts. */
export const TINY_CTC: CtcShape = {
  ...{ width: 64, layers: 2, feedForward: 96, vocabSize: 0, featureNorm: 'group' },
  ...{ convWidth: 32, positionKernel: 16, positionGroups: 4, heads: 2 },
  ...{ isStable: false, hasConvBias: false, weightNorm: 'parametrizations' },
};

/** As XLSR and XLS-R. */
export const TINY_CTC_LARGE: CtcShape = {
  ...TINY_CTC,
  ...{ featureNorm: 'layer', isStable: true, hasConvBias: true, weightNorm: 'weight_g' },
};

/** The published sizes have these. */
export const PUBLISHED_CTC = {
  ...{ convWidth: 512, positionKernel: 128, positionGroups: 16, heads: 16 },
  weightNorm: 'parametrizations',
} as const;

const ENGLISH = [..."|etaoinshrdlucmfwygpbvkxjqz'"];
export const ENGLISH_VOCABULARY: Readonly<Record<string, number>> = Object.fromEntries(
  ['<pad>', '<s>', '</s>', '<unk>', ...ENGLISH].map((sign, id) => [sign, id]),
);

const CONV_KERNELS = [10, 3, 3, 3, 3, 2, 2];

export interface TinyCtcOptions {
  /** Whisper's code; then `tokenizer_config.json` names it as MMS' do. */
  readonly language?: string;
  /** Sign → id; default: English in small letters, with the blank 0 and `|` between words. */
  readonly vocabulary?: Readonly<Record<string, number>>;
  /** Default `TINY_CTC`; its `vocabSize` is that of the vocabulary. */
  readonly shape?: CtcShape;
  readonly seed?: number;
}

/** Writes config.json, preprocessor_config.json, vocab.json, tokenizer_config.json and model.safetensors. */
export function writeTinyCtcModel(dir: string, options: TinyCtcOptions = {}): void {
  const { vocabulary = ENGLISH_VOCABULARY, shape = TINY_CTC, seed = 1, language } = options;
  const sized: CtcShape = { ...shape, vocabSize: Object.keys(vocabulary).length };
  mkdirSync(dir, { recursive: true });
  const next = randomNumbers(seed);
  const tensors = ctcTensors(sized).map((tensor) => {
    const length = tensor.shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length }, () => madeUp(tensor, next()));
    return { ...tensor, data: encodeFloats(values, 'F32') };
  });
  writeSafetensors(join(dir, 'model.safetensors'), tensors);
  const tokenizer = { pad_token: '<pad>', unk_token: '<unk>', word_delimiter_token: '|' };
  const json = {
    'config.json': ctcConfigOf(sized, vocabulary['<pad>'] ?? 0),
    'preprocessor_config.json': { do_normalize: true, sampling_rate: 16_000 },
    'vocab.json': vocabulary,
    'tokenizer_config.json':
      language === undefined ? tokenizer : { ...tokenizer, target_lang: language },
  };
  for (const [name, value] of Object.entries(json)) {
    writeFileSync(join(dir, name), JSON.stringify(value));
  }
}

/** Norms near 1, biases near 0, weights so large that the signs' probabilities differ. */
function madeUp({ name, shape }: TensorShape, random: number): number {
  if (name.endsWith('norm.weight')) return 1 + 0.1 * random;
  if (name.endsWith('.bias')) return 0.1 * random;
  if (name.endsWith('weight_g') || name.endsWith('original0')) return 2 + random;
  const [, ...inputs] = shape;
  return random * Math.sqrt(6 / inputs.reduce((product, size) => product * size, 1));
}

/** Name, type and shape of every tensor of a checkpoint. */
export function ctcTensors(shape: CtcShape): TensorShape[] {
  const { width: d, vocabSize, positionKernel, positionGroups } = shape;
  const tensors: TensorShape[] = [];
  const add = (name: string, ...dims: number[]) => {
    tensors.push({ name, dtype: 'F32', shape: dims });
  };
  addDense(add, 'lm_head', [vocabSize, d]);
  addNorm(add, 'wav2vec2.encoder.layer_norm', d);
  for (let i = 0; i < shape.layers; i++) addLayer(add, `wav2vec2.encoder.layers.${i}`, shape);
  const position = 'wav2vec2.encoder.pos_conv_embed.conv';
  const isNew = shape.weightNorm === 'parametrizations';
  const [length, direction] = isNew
    ? ['parametrizations.weight.original0', 'parametrizations.weight.original1']
    : ['weight_g', 'weight_v'];
  add(`${position}.bias`, d);
  add(`${position}.${length}`, 1, 1, positionKernel);
  add(`${position}.${direction}`, d, d / positionGroups, positionKernel);
  addConvolutions(add, shape);
  addNorm(add, 'wav2vec2.feature_projection.layer_norm', shape.convWidth);
  addDense(add, 'wav2vec2.feature_projection.projection', [d, shape.convWidth]);
  return tensors;
}

/** `config.json` of a model with this shape. */
export function ctcConfigOf(shape: CtcShape, blankId = 0): object {
  return {
    architectures: ['Wav2Vec2ForCTC'],
    model_type: 'wav2vec2',
    hidden_size: shape.width,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    intermediate_size: shape.feedForward,
    vocab_size: shape.vocabSize,
    pad_token_id: blankId,
    conv_dim: CONV_KERNELS.map(() => shape.convWidth),
    conv_kernel: CONV_KERNELS,
    conv_stride: [5, 2, 2, 2, 2, 2, 2],
    conv_bias: shape.hasConvBias,
    feat_extract_norm: shape.featureNorm,
    do_stable_layer_norm: shape.isStable,
    num_conv_pos_embeddings: shape.positionKernel,
    num_conv_pos_embedding_groups: shape.positionGroups,
    ...(shape.adapterWidth === undefined ? {} : { adapter_attn_dim: shape.adapterWidth }),
  };
}

type Add = (name: string, ...shape: number[]) => void;

function addConvolutions(add: Add, shape: CtcShape): void {
  for (const [i, kernel] of CONV_KERNELS.entries()) {
    const name = `wav2vec2.feature_extractor.conv_layers.${i}`;
    if (shape.hasConvBias) add(`${name}.conv.bias`, shape.convWidth);
    add(`${name}.conv.weight`, shape.convWidth, i === 0 ? 1 : shape.convWidth, kernel);
    const isNormed = shape.featureNorm === 'layer' || i === 0;
    if (isNormed) addNorm(add, `${name}.layer_norm`, shape.convWidth);
  }
}

function addLayer(add: Add, name: string, { width: d, feedForward, adapterWidth }: CtcShape): void {
  for (const part of ['k_proj', 'out_proj', 'q_proj', 'v_proj']) {
    addDense(add, `${name}.attention.${part}`, [d, d]);
  }
  addDense(add, `${name}.feed_forward.intermediate_dense`, [feedForward, d]);
  addDense(add, `${name}.feed_forward.output_dense`, [d, feedForward]);
  addNorm(add, `${name}.final_layer_norm`, d);
  addNorm(add, `${name}.layer_norm`, d);
  if (adapterWidth === undefined) return;
  addNorm(add, `${name}.adapter_layer.norm`, d);
  addDense(add, `${name}.adapter_layer.linear_1`, [adapterWidth, d]);
  addDense(add, `${name}.adapter_layer.linear_2`, [d, adapterWidth]);
}

function addDense(add: Add, name: string, [outputs, inputs]: readonly [number, number]): void {
  add(`${name}.bias`, outputs);
  add(`${name}.weight`, outputs, inputs);
}

function addNorm(add: Add, name: string, d: number): void {
  add(`${name}.bias`, d);
  add(`${name}.weight`, d);
}

/** Numbers in [-1, 1) by a linear congruential generator (constants of Numerical Recipes). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
