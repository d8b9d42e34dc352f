/**
 * How Whisper's decoder attends to the audio. Keys and values are computed once a batch; each step of the search then
 * reads all of them, which on a CPU is most of its memory traffic. So the int8 CPU target keeps them in 8 bits: a
 * quarter of the bytes. Measured on 2 cores for 4 items of 5 beams and six layers: 13.2 ms as float matrices, 7.7 ms
 * with one vector product a beam, 3.3 ms with 8 bits. In an otherwise float32 model the tokens of all reference clips
 * stay the same.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  cast,
  concat,
  div,
  int8,
  ints,
  matMul,
  mul,
  reduce,
  reshape,
  scalar,
  sizeOf,
  softmax,
  transpose,
  uint8,
} from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { linear } from './layers.ts';
import { headSizeOf, type WhisperConfig } from './whisper-config.ts';

/** Keys and values of the audio for one layer. */
export type AudioKeysValues = FloatKeysValues | QuantizedKeysValues;

/** (B, F, width) each. */
interface FloatKeysValues {
  readonly form: 'float';
  readonly keys: Value;
  readonly values: Value;
}

interface QuantizedKeysValues {
  readonly form: '8-bit';
  /** uint8 around 128, (B, heads, F, headSize): the left operand, since only the right one is copied into blocks. */
  readonly keys: Value;
  /** (B, heads, 1, headSize) */
  readonly keyScales: Value;
  /** int8, (B · heads, F, headSize) */
  readonly values: Value;
  /** (B, heads, 1, headSize) */
  readonly valueScales: Value;
}

export function audioKeysValues(
  g: GraphBuilder,
  features: Value,
  config: WhisperConfig,
  precision: Precision,
): AudioKeysValues[] {
  const audio = cast(g, features, precision.maths);
  return Array.from({ length: config.decoder.layers }, (_, layer) =>
    g.within(`cross${layer}`, () => {
      const name = `model.decoder.layers.${layer}.encoder_attn`;
      const keys = linear(g, audio, `${name}.k_proj`, precision, { bias: false });
      const values = linear(g, audio, `${name}.v_proj`, precision, { fine: true });
      if (precision.linear === 'float') return { form: 'float', keys, values };
      return quantize(g, keys, values, config);
    }),
  );
}

function quantize(
  g: GraphBuilder,
  keys: Value,
  values: Value,
  config: WhisperConfig,
): QuantizedKeysValues {
  const split = (x: Value) =>
    transpose(g, reshape(g, x, [0, -1, config.decoder.heads, headSizeOf(config)]), [0, 2, 1, 3]);
  const headSize = ints(g, [headSizeOf(config)]);
  const k = quantizeChannels(g, keys, uint8(g, 128));
  const v = quantizeChannels(g, values, int8(g, 0));
  return {
    form: '8-bit',
    keys: split(k.values),
    keyScales: split(k.scales),
    values: reshape(
      g,
      split(v.values),
      concat(g, [ints(g, [-1]), sizeOf(g, values, 1), headSize], 0),
      3,
    ),
    valueScales: split(v.scales),
  };
}

/** One scale for each item and channel: x (B, F, width) ≈ (values - zero) × scales (B, 1, width). */
function quantizeChannels(
  g: GraphBuilder,
  x: Value,
  zero: Value,
): { values: Value; scales: Value } {
  const highest = reduce(g, 'ReduceMax', x, 1, 1);
  const lowest = reduce(g, 'ReduceMin', x, 1, 1);
  const largest = g.op('Max', [highest, g.op('Neg', [lowest]), scalar(g, 1e-6)]);
  const scales = mul(g, largest, scalar(g, 1 / 127));
  return { values: g.op('QuantizeLinear', [div(g, x, scales), scalar(g, 1), zero]), scales };
}

/** queries (B, heads, T, headSize) → (B, heads, T, headSize); `onScores` gets the scores (B, heads, T, F). */
export function attendToAudio(
  g: GraphBuilder,
  queries: Value,
  audio: AudioKeysValues,
  config: WhisperConfig,
  onScores: (scores: () => Value) => void,
): Value {
  return audio.form === 'float'
    ? attendInFloat(g, queries, audio, config, onScores)
    : attendIn8Bits(g, queries, audio, config, onScores);
}

function attendInFloat(
  g: GraphBuilder,
  queries: Value,
  audio: FloatKeysValues,
  config: WhisperConfig,
  onScores: (scores: () => Value) => void,
): Value {
  const split = (x: Value) => reshape(g, x, [0, -1, config.decoder.heads, headSizeOf(config)]);
  const scores = matMul(g, queries, transpose(g, split(audio.keys), [0, 2, 3, 1]));
  onScores(() => scores);
  return matMul(g, softmax(g, scores), transpose(g, split(audio.values), [0, 2, 1, 3]));
}

/**
 * Items and heads share one axis from the scores on: onnxruntime would otherwise move the transposition of the scores
 * behind the softmax, where it costs six times more.
 */
function attendIn8Bits(
  g: GraphBuilder,
  queries: Value,
  { keys, keyScales, values, valueScales }: QuantizedKeysValues,
  config: WhisperConfig,
  onScores: (scores: () => Value) => void,
): Value {
  const { heads } = config.decoder;
  const tokens = sizeOf(g, queries, 2);
  const flat = (last: Value) => concat(g, [ints(g, [-1]), tokens, last], 0); // (B · heads, T, last)
  const byHead = (last: Value) => concat(g, [ints(g, [-1, heads]), tokens, last], 0);
  const frames = sizeOf(g, keys, 2);
  const q = quantizeRows(g, mul(g, queries, keyScales));
  const products = g.op('MatMulInteger', [
    keys,
    transpose(g, q.values, [0, 1, 3, 2]),
    uint8(g, 128),
  ]);
  const byQuery = reshape(g, transpose(g, products, [0, 1, 3, 2]), flat(frames), 3);
  const scores = mul(g, cast(g, byQuery, 'float32'), reshape(g, q.scales, flat(ints(g, [1])), 3));
  onScores(() => reshape(g, scores, byHead(frames), 4));
  const weights = g.op('Softmax', [scores], { axis: -1 });
  const peaks = reduce(g, 'ReduceMax', weights, 2, 1);
  const relative = g.op('QuantizeLinear', [
    div(g, weights, peaks),
    scalar(g, 1 / 255),
    uint8(g, 0),
  ]);
  const sums = cast(g, g.op('MatMulInteger', [relative, values]), 'float32');
  const attended = mul(g, sums, mul(g, peaks, scalar(g, 1 / 255)));
  return mul(g, reshape(g, attended, byHead(ints(g, [headSizeOf(config)])), 4), valueScales);
}

/** One scale for each query of each head: x (B, heads, T, headSize) ≈ values × scales (B, heads, T, 1). */
function quantizeRows(g: GraphBuilder, x: Value): { values: Value; scales: Value } {
  const largest = reduce(g, 'ReduceMax', g.op('Abs', [x]), 3, 1);
  const scales = mul(g, g.op('Max', [largest, scalar(g, 1e-6)]), scalar(g, 1 / 127));
  return { values: g.op('QuantizeLinear', [div(g, x, scales), scalar(g, 1), int8(g, 0)]), scales };
}
