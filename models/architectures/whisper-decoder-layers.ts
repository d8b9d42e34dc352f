/** The transformer blocks of Whisper's decoder, for prompts, single steps and whole texts alike. */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { add, cast, ints, matMul, reshape, softmax, table, transpose } from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { type AudioKeysValues, attendToAudio } from './cross-attention.ts';
import { gelu, layerNorm, linear, scaleQuery } from './layers.ts';
import { headSizeOf, type WhisperConfig } from './whisper-config.ts';

export const EMBEDDING = 'model.decoder.embed_tokens.weight';
/** Stands for log 0: far below any sum of log-probabilities, and finite in float32. */
export const NEVER = -1e9;

export interface DecoderNet {
  readonly config: WhisperConfig;
  readonly precision: Precision;
  readonly cross: readonly AudioKeysValues[];
}

/** How the tokens see each other: differs between a prompt, a step of the search and a whole text. */
export interface SelfAttention {
  /** q, k, v (B, T, width) of one layer → (B, T, width). */
  attend(layer: number, q: Value, k: Value, v: Value): Value;
}

export interface LayerOptions {
  /** May take each layer's attention scores over the audio before softmax, (B, heads, T, F). */
  readonly onCross?: (layer: number, scores: () => Value) => void;
  /** Stops after this layer's attention to the audio. */
  readonly lastLayer?: number;
}

export function decoderLayers(
  g: GraphBuilder,
  x: Value,
  net: DecoderNet,
  self: SelfAttention,
  options: LayerOptions = {},
): Value {
  const layers =
    options.lastLayer === undefined ? net.config.decoder.layers : options.lastLayer + 1;
  let y = x;
  for (let layer = 0; layer < layers; layer++) {
    y = g.within(`layer${layer}`, () => decoderLayer(g, y, layer, net, self, options));
  }
  return y;
}

function decoderLayer(
  g: GraphBuilder,
  x: Value,
  layer: number,
  net: DecoderNet,
  self: SelfAttention,
  options: LayerOptions,
): Value {
  const { precision } = net;
  const name = `model.decoder.layers.${layer}`;
  const h = layerNorm(g, x, `${name}.self_attn_layer_norm`);
  const q = linear(g, h, `${name}.self_attn.q_proj`, precision);
  const k = linear(g, h, `${name}.self_attn.k_proj`, precision, { bias: false });
  const v = linear(g, h, `${name}.self_attn.v_proj`, precision);
  const heard = self.attend(layer, q, k, v);
  const spoken = add(g, x, linear(g, heard, `${name}.self_attn.out_proj`, precision));
  const attended = add(g, spoken, crossBlock(g, spoken, layer, net, options));
  const wide = layerNorm(g, attended, `${name}.final_layer_norm`);
  const inner = gelu(g, linear(g, wide, `${name}.fc1`, precision));
  return add(g, attended, linear(g, inner, `${name}.fc2`, precision));
}

function crossBlock(
  g: GraphBuilder,
  x: Value,
  layer: number,
  net: DecoderNet,
  options: LayerOptions,
): Value {
  const { config, precision } = net;
  const name = `model.decoder.layers.${layer}.encoder_attn`;
  const audio = net.cross[layer];
  if (!audio) throw new Error(`no cross-attention keys for decoder layer ${layer}`);
  const h = layerNorm(g, x, `${name}_layer_norm`);
  const q = scaleQuery(g, linear(g, h, `${name}.q_proj`, precision), headSizeOf(config));
  const queries = splitHeads(g, q, config);
  const attended = attendToAudio(g, queries, audio, config, (scores) =>
    options.onCross?.(layer, scores),
  );
  return linear(g, mergeHeads(g, attended, config), `${name}.out_proj`, precision);
}

/** (B, T, width) → (B, heads, T, headSize) */
export function splitHeads(g: GraphBuilder, x: Value, config: WhisperConfig): Value {
  const split = reshape(g, x, [0, -1, config.decoder.heads, headSizeOf(config)]);
  return transpose(g, split, [0, 2, 1, 3]);
}

/** (B, heads, T, headSize) → (B, T, width) */
export function mergeHeads(g: GraphBuilder, x: Value, config: WhisperConfig): Value {
  return reshape(g, transpose(g, x, [0, 2, 1, 3]), [0, -1, config.width]);
}

/** Causal attention over a whole sequence of `length` (1) tokens; keeps keys and values, (B, heads, T, headSize) each. */
export function prefillAttention(
  g: GraphBuilder,
  length: Value,
  config: WhisperConfig,
): SelfAttention & { readonly caches: { keys: Value; values: Value }[] } {
  const caches: { keys: Value; values: Value }[] = [];
  const zeros = ints(g, [0, 0]);
  const size = g.op('Concat', [length, length], { axis: 0 });
  const mask = g.op('Slice', [causalMask(g, config), zeros, size, ints(g, [0, 1])]);
  return {
    caches,
    attend(layer, q, k, v) {
      const keys = splitHeads(g, k, config);
      const values = splitHeads(g, v, config);
      caches[layer] = { keys, values };
      const queries = splitHeads(g, scaleQuery(g, q, headSizeOf(config)), config);
      const scores = cast(g, matMul(g, queries, transpose(g, keys, [0, 1, 3, 2])), 'float32');
      const weights = cast(g, softmax(g, add(g, scores, mask)), values.type);
      return mergeHeads(g, matMul(g, weights, values), config);
    },
  };
}

/** (maxTokens, maxTokens): 0 where a row may look, NEVER to its right. */
function causalMask(g: GraphBuilder, config: WhisperConfig): Value {
  const n = config.maxTokens;
  const mask = new Float32Array(n * n);
  for (let row = 0; row < n; row++) mask.fill(NEVER, row * n + row + 1, (row + 1) * n);
  return table(g, 'causal_mask', [n, n], mask);
}
