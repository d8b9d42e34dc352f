/**
 * Language detection: what the decoder says right after a lone `<|startoftranscript|>`. One token needs no keys and
 * values of the audio: instead of projecting 1500 frames for each layer, the one query is projected back onto the
 * frames, and the frames are averaged before they are projected. The result is the same, at a few hundredths of the
 * work. It is a graph of its own: as a branch inside the decoder it made every step of the search a fifth slower.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import {
  add,
  cast,
  int,
  ints,
  matMul,
  mul,
  reduce,
  reshape,
  softmax,
  table,
  transpose,
} from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { denseWeight, embed, gelu, layerNorm, linear, scaleQuery } from './layers.ts';
import { headSizeOf, type WhisperConfig } from './whisper-config.ts';
import { embedTokens, finalNorm } from './whisper-decoder-ends.ts';
import { EMBEDDING } from './whisper-decoder-layers.ts';

interface Net {
  readonly config: WhisperConfig;
  readonly precision: Precision;
}

/** audio_features (B, F, width), start (B, 1) → language_probs (B, languages), in the order of `config.languages`. */
export function buildWhisperLanguageDetector(
  model: ModelBuilder,
  config: WhisperConfig,
  precision: Precision,
): void {
  const g = model.graph;
  const net = { config, precision };
  const features = g.input('audio_features', 'float32', ['batch', 'frames', config.width]);
  const start = g.input('start', 'int64', ['batch', 1]);
  const audio = cast(g, features, precision.maths);
  let x = embedTokens(g, start, int(g, 0), net);
  for (let layer = 0; layer < config.decoder.layers; layer++) x = block(g, x, audio, layer, net);
  const hidden = reshape(g, finalNorm(g, x), [-1, config.width]);
  const tokens = ints(
    g,
    config.languages.map(({ token }) => token),
  );
  const rows = embed(g, tokens, EMBEDDING, precision);
  const logits = cast(g, matMul(g, hidden, transpose(g, rows, [1, 0])), 'float32');
  g.output('language_probs', softmax(g, logits), ['batch', config.languages.length]);
}

function block(
  g: GraphBuilder,
  x: Value,
  audio: Value,
  layer: number,
  { config, precision }: Net,
): Value {
  const name = `model.decoder.layers.${layer}`;
  const h = layerNorm(g, x, `${name}.self_attn_layer_norm`);
  // A token alone attends to itself with weight 1.
  const itself = linear(g, h, `${name}.self_attn.v_proj`, precision);
  const spoken = add(g, x, linear(g, itself, `${name}.self_attn.out_proj`, precision));
  const asked = layerNorm(g, spoken, `${name}.encoder_attn_layer_norm`);
  const heard = listen(g, asked, audio, `${name}.encoder_attn`, { config, precision });
  const attended = add(g, spoken, linear(g, heard, `${name}.encoder_attn.out_proj`, precision));
  const wide = layerNorm(g, attended, `${name}.final_layer_norm`);
  const inner = gelu(g, linear(g, wide, `${name}.fc1`, precision));
  return add(g, attended, linear(g, inner, `${name}.fc2`, precision));
}

/** x (B, 1, width) attends to the audio (B, F, width) → (B, 1, width). */
function listen(
  g: GraphBuilder,
  x: Value,
  audio: Value,
  name: string,
  { config, precision }: Net,
): Value {
  const { heads } = config.decoder;
  const [width, headSize] = [config.width, headSizeOf(config)];
  const q = scaleQuery(g, linear(g, x, `${name}.q_proj`, precision), headSize);
  const keyWeight = reshape(g, denseWeight(g, `${name}.k_proj.weight`, precision), [
    heads,
    headSize,
    width,
  ]);
  const perHead = matMul(g, reshape(g, q, [-1, heads, 1, headSize]), keyWeight); // (B, heads, 1, width)
  const queries = reshape(g, perHead, [-1, heads, width]);
  const weights = softmax(g, g.op('FusedMatMul', [queries, audio], { transB: 1 })); // (B, heads, F)
  const averages = matMul(g, weights, audio); // (B, heads, width)
  const values = linear(g, averages, `${name}.v_proj`, precision, { fine: true });
  // Each head keeps its own part of the projection.
  const own = cast(
    g,
    table(g, `identity_${heads}`, [heads, heads, 1], identity(heads)),
    values.type,
  );
  const parts = mul(g, reshape(g, values, [-1, heads, heads, headSize]), own);
  return reshape(g, reduce(g, 'ReduceSum', parts, 1), [-1, 1, width]);
}

function identity(n: number): Float32Array {
  return Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
}
