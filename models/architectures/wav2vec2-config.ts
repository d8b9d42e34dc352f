import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const MAX_CONFIG_BYTES = 16 * 1024 * 1024;
const MAX_LAYERS = 200;
const size = z.int().positive().max(100_000);
const sizes = z.array(z.int().positive().max(10_000)).min(1).max(20);
/** Published models leave some members out, which then have the value that `Wav2Vec2Config` gives them. */
const ConfigJson = z.object({
  model_type: z.literal('wav2vec2'),
  hidden_size: size.default(768),
  num_hidden_layers: z.int().positive().max(MAX_LAYERS).default(12),
  num_attention_heads: size.default(12),
  vocab_size: size.default(32),
  pad_token_id: z.int().nonnegative().default(0),
  conv_dim: sizes.default(Array(7).fill(512)),
  conv_kernel: sizes.default([10, 3, 3, 3, 3, 2, 2]),
  conv_stride: sizes.default([5, 2, 2, 2, 2, 2, 2]),
  conv_bias: z.boolean().default(false),
  feat_extract_norm: z.enum(['group', 'layer']).default('group'),
  do_stable_layer_norm: z.boolean().default(false),
  num_conv_pos_embeddings: size.default(128),
  num_conv_pos_embedding_groups: size.default(16),
  adapter_attn_dim: size.nullish(),
  // What the graph is made for; other values would need other nodes.
  hidden_act: z.literal('gelu').default('gelu'),
  feat_extract_activation: z.literal('gelu').default('gelu'),
  layer_norm_eps: z.literal(1e-5).default(1e-5),
  add_adapter: z.literal(false).default(false),
});

const PreprocessorJson = z.object({
  do_normalize: z.boolean().default(true),
  sampling_rate: z.literal(16_000).default(16_000),
});

/** One convolution of the feature extractor. */
export interface ConvLayer {
  readonly kernel: number;
  readonly stride: number;
  /** Of the normalisation after it. */
  readonly norm: 'group' | 'layer' | 'none';
  readonly hasBias: boolean;
}

/** Sizes of a `Wav2Vec2ForCTC`. */
export interface Wav2Vec2Config {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabularySize: number;
  readonly blankId: number;
  readonly convolutions: readonly ConvLayer[];
  readonly positionKernel: number;
  readonly positionGroups: number;
  /** True: layers normalise what they take in (XLSR, XLS-R, MMS); false: what they give out (base). */
  readonly normFirst: boolean;
  /** Layers end with a small language adapter, as in MMS. */
  readonly hasAttentionAdapters: boolean;
  /** Bring the waveform to mean 0 and variance 1 first. */
  readonly normalizeWaveform: boolean;
}

/**
 * Reads `config.json` and, where it is there, `preprocessor_config.json` of a model folder.
 * @throws Error naming the file and the faulty member
 */
export function readWav2Vec2Config(folder: string): Wav2Vec2Config {
  const path = join(folder, 'config.json');
  const config = readJson(path, ConfigJson);
  const preprocessorPath = join(folder, 'preprocessor_config.json');
  const preprocessor = existsSync(preprocessorPath)
    ? readJson(preprocessorPath, PreprocessorJson)
    : { do_normalize: true };
  const fail = (what: string) => new Error(`${path}: ${what}`);
  if (config.hidden_size % config.num_attention_heads !== 0) {
    throw fail(
      `${config.num_attention_heads} heads do not divide hidden_size ${config.hidden_size}`,
    );
  }
  if (config.pad_token_id >= config.vocab_size) {
    throw fail(`pad_token_id ${config.pad_token_id} is not among ${config.vocab_size} tokens`);
  }
  if (config.conv_kernel.length !== config.conv_stride.length) {
    throw fail('conv_kernel and conv_stride differ in length');
  }
  return {
    width: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    vocabularySize: config.vocab_size,
    blankId: config.pad_token_id,
    convolutions: config.conv_kernel.map((kernel, i) => ({
      kernel,
      stride: config.conv_stride[i] ?? 1,
      norm: config.feat_extract_norm === 'layer' ? 'layer' : i === 0 ? 'group' : 'none',
      hasBias: config.conv_bias,
    })),
    positionKernel: config.num_conv_pos_embeddings,
    positionGroups: config.num_conv_pos_embedding_groups,
    normFirst: config.do_stable_layer_norm,
    hasAttentionAdapters: typeof config.adapter_attn_dim === 'number',
    normalizeWaveform: preprocessor.do_normalize,
  };
}

/** Samples from one frame to the next: 320 for every published model. */
export function frameSamplesOf({ convolutions }: Wav2Vec2Config): number {
  return convolutions.reduce((product, { stride }) => product * stride, 1);
}

/** The fewest samples that give a frame: 400 for every published model. */
export function receptiveFieldOf({ convolutions }: Wav2Vec2Config): number {
  return convolutions.reduceRight((field, { kernel, stride }) => (field - 1) * stride + kernel, 1);
}

/** Frames of a waveform; 0 if it is shorter than the receptive field. */
export function frameCountOf({ convolutions }: Wav2Vec2Config, samples: number): number {
  return convolutions.reduce((length, { kernel, stride }) => {
    return length < kernel ? 0 : Math.floor((length - kernel) / stride) + 1;
  }, samples);
}

function readJson<S extends z.ZodType>(path: string, schema: S): z.output<S> {
  if (statSync(path).size > MAX_CONFIG_BYTES) throw new Error(`${path} is too large`);
  const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
