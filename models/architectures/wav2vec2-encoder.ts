/** The transformer of wav2vec 2.0, with either order of layer norms: features (B, F, channels) → hidden (B, F, width). */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  add,
  cast,
  mul,
  scalar,
  sizeOf,
  slice,
  squeeze,
  transpose,
  unsqueeze,
} from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { gelu, layerNorm, linear, weight } from './layers.ts';
import type { Wav2Vec2Config } from './wav2vec2-config.ts';
import { ownPositions } from './wav2vec2-features.ts';
import { weightNormed } from './weight-norm.ts';

/** Largest magnitude that float16 holds with room to spare; see `narrow`. */
const FLOAT16_LIMIT = 65_000;

/** `frames` (B): how many of F are an item's own; what follows them is neither seen nor meant to be used. */
export function encodeFrames(
  g: GraphBuilder,
  features: Value,
  frames: Value,
  config: Wav2Vec2Config,
  precision: Precision,
): Value {
  const net: Net = { config, precision, frames: cast(g, frames, 'int32') };
  const projected = g.within('projection', () => {
    const name = 'wav2vec2.feature_projection';
    const normed = layerNorm(g, features, `${name}.layer_norm`);
    return wide(
      g,
      dense(g, normed, `${name}.projection`, { ...net, precision: inFloats(precision) }),
    );
  });
  const size = squeeze(g, sizeOf(g, projected, 1), 0);
  const own = mul(g, projected, unsqueeze(g, ownPositions(g, size, frames), -1));
  let x = g.within('position', () => add(g, own, positions(g, own, net)));
  if (!config.normFirst) x = layerNorm(g, x, 'wav2vec2.encoder.layer_norm');
  for (let layer = 0; layer < config.layers; layer++) {
    x = g.within(`layer${layer}`, () => encoderLayer(g, x, layer, net));
  }
  return config.normFirst ? layerNorm(g, x, 'wav2vec2.encoder.layer_norm') : x;
}

interface Net {
  readonly config: Wav2Vec2Config;
  readonly precision: Precision;
  /** (B), int32 */
  readonly frames: Value;
}

function encoderLayer(g: GraphBuilder, x: Value, layer: number, net: Net): Value {
  const name = `wav2vec2.encoder.layers.${layer}`;
  const { normFirst, hasAttentionAdapters } = net.config;
  if (!normFirst) {
    const attended = layerNorm(g, add(g, x, attention(g, x, name, net)), `${name}.layer_norm`);
    const y = add(g, attended, feedForward(g, attended, name, net));
    return layerNorm(g, y, `${name}.final_layer_norm`);
  }
  const attended = add(g, x, attention(g, layerNorm(g, x, `${name}.layer_norm`), name, net));
  const h = layerNorm(g, attended, `${name}.final_layer_norm`);
  const y = add(g, attended, feedForward(g, h, name, net));
  return hasAttentionAdapters ? add(g, y, adapter(g, y, `${name}.adapter_layer`, net)) : y;
}

function attention(g: GraphBuilder, x: Value, layerName: string, net: Net): Value {
  const name = `${layerName}.attention`;
  const h = cast(g, x, net.precision.maths);
  const q = dense(g, h, `${name}.q_proj`, net);
  const k = dense(g, h, `${name}.k_proj`, net);
  const v = dense(g, h, `${name}.v_proj`, net, true);
  const inputs = [q, k, v, null, net.frames];
  const attended = g.op('MultiHeadAttention', inputs, { num_heads: net.config.heads });
  return wide(g, dense(g, attended, `${name}.out_proj`, net, true));
}

function feedForward(g: GraphBuilder, x: Value, layerName: string, net: Net): Value {
  const name = `${layerName}.feed_forward`;
  const inner = gelu(
    g,
    dense(g, cast(g, x, net.precision.maths), `${name}.intermediate_dense`, net),
  );
  return wide(g, dense(g, inner, `${name}.output_dense`, net, true));
}

/** A bottleneck that a language brings along (`Wav2Vec2AttnAdapterLayer`). */
function adapter(g: GraphBuilder, x: Value, name: string, net: Net): Value {
  const floats: Net = { ...net, precision: inFloats(net.precision) };
  const h = cast(g, layerNorm(g, x, `${name}.norm`), net.precision.maths);
  const inner = g.op('Max', [dense(g, h, `${name}.linear_1`, floats), scalar(g, 0, h.type)]);
  return wide(g, dense(g, inner, `${name}.linear_2`, floats));
}

/**
 * Relative positions by a wide convolution. Its kernel is even, so that padding by half of it on both sides gives a frame
 * too many, which is dropped as in fairseq's `SamePad`.
 */
function positions(g: GraphBuilder, x: Value, { config, precision }: Net): Value {
  const { positionKernel: kernel, positionGroups: group } = config;
  const name = 'wav2vec2.encoder.pos_conv_embed.conv';
  const pad = Math.floor(kernel / 2);
  const inputs = [
    cast(g, transpose(g, x, [0, 2, 1]), precision.maths),
    weightNormed(g, name, precision.maths),
    weight(g, `${name}.bias`, 1, precision.maths),
  ];
  const y = g.op('Conv', inputs, { kernel_shape: [kernel], pads: [pad, pad], group });
  const same = kernel % 2 === 0 ? slice(g, y, 2, 0, -1) : y;
  return wide(g, transpose(g, gelu(g, same), [0, 2, 1]));
}

/**
 * In 8 bits as Whisper's encoder does it: a scale for every 32 values where the input has outliers (`fine`), else one for
 * the whole tensor, which is faster. That one makes items of a batch see each other: such builds run one item at a time.
 */
function dense(g: GraphBuilder, x: Value, name: string, { precision }: Net, fine = false): Value {
  return linear(g, cast(g, x, precision.maths), name, precision, { fine });
}

function inFloats(precision: Precision): Precision {
  return { ...precision, linear: 'float' };
}

/**
 * Sums of layers are kept in float32: in float16 those of XLS-R run out of range, and one infinity makes all of an item's
 * frames useless.
 */
function wide(g: GraphBuilder, x: Value): Value {
  if (x.type === 'float32') return x;
  const limits = [scalar(g, -FLOAT16_LIMIT, x.type), scalar(g, FLOAT16_LIMIT, x.type)];
  return cast(g, g.op('Clip', [x, ...limits]), 'float32');
}
