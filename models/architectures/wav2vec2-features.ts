/**
 * The front of wav2vec 2.0: waveform (B, N) → features (B, F, channels), one for every 20 ms.
 *
 * The first convolution gives 512 values for every 5 samples: 200 MB for 30 s, several times over. So the convolutions
 * go over the waveform block by block. None of them pads, so that the blocks together are exactly the whole.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  add,
  cast,
  concat,
  div,
  expand,
  int,
  ints,
  matMul,
  mul,
  reduce,
  reshape,
  scalar,
  sizeOf,
  slice,
  squeeze,
  sub,
  transpose,
  unsqueeze,
} from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { gelu, layerNorm, weight } from './layers.ts';
import {
  type ConvLayer,
  frameSamplesOf,
  receptiveFieldOf,
  type Wav2Vec2Config,
} from './wav2vec2-config.ts';

/** Frames that one block gives. */
const BLOCK_FRAMES = { float32: 50, float16: 500 } as const;
const NORM_EPSILON = 1e-5;
/** As `Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm`. */
const WAVEFORM_EPSILON = 1e-7;

/**
 * Mean 0 over each item's own samples, and variance 1 where the model was trained so; zeros after them. The mean never
 * matters to models that are trained without: their first norm takes it out again, but sums lose less without it.
 */
export function normalizeWaveform(
  g: GraphBuilder,
  waveform: Value,
  lengths: Value,
  { normalizeWaveform: hasUnitVariance }: Wav2Vec2Config,
): Value {
  return g.within('normalize', () => {
    const own = ownPositions(g, squeeze(g, sizeOf(g, waveform, 1), 0), lengths);
    const count = unsqueeze(g, cast(g, lengths, 'float32'), 1);
    const mean = (x: Value) => div(g, reduce(g, 'ReduceSum', x, 1, 1), count);
    const centred = mul(g, sub(g, waveform, mean(mul(g, waveform, own))), own);
    if (!hasUnitVariance) return centred;
    const variance = mean(mul(g, centred, centred));
    return div(g, centred, g.op('Sqrt', [add(g, variance, scalar(g, WAVEFORM_EPSILON))]));
  });
}

/**
 * @param waveform (B, N), zeros after each item's own samples
 * @returns features (B, F, channels) in the precision's type; frames (B), how many are the item's own
 */
export function extractFeatures(
  g: GraphBuilder,
  waveform: Value,
  lengths: Value,
  config: Wav2Vec2Config,
  { maths }: Precision,
): { features: Value; frames: Value } {
  const layers = config.convolutions;
  const blocks = planBlocks(g, cast(g, waveform, maths), config, BLOCK_FRAMES[maths]);
  const firstNorm = layers[0]?.norm === 'group' ? channelNorm(g, blocks, lengths, layers[0]) : null;
  const name = 'features';
  const { scans } = overBlocks(g, blocks, [], (inner, block) => {
    let x = block;
    for (const [i, layer] of layers.entries()) {
      x = inner.within(`${name}/conv${i}`, () => {
        const y = convolve(inner, x, i, layer);
        return gelu(inner, i === 0 && firstNorm ? firstNorm(inner, y) : normed(inner, y, i, layer));
      });
    }
    return { carried: [], scans: [transpose(inner, x, [0, 2, 1])] };
  });
  const [stacked] = scans; // (blocks, B, T, channels)
  if (!stacked) throw new Error('the convolutions gave no features');
  const channels = g.model.shapeOf(`${PREFIX}.${layers.length - 1}.conv.weight`, 3)[0] ?? -1;
  const merged = reshape(g, transpose(g, stacked, [1, 0, 2, 3]), [0, -1, channels]);
  const frames = framesAfter(g, lengths, layers);
  const longest = framesAfter(g, sizeOf(g, waveform, 1), layers);
  return { features: slice(g, merged, 1, 0, longest), frames };
}

const PREFIX = 'wav2vec2.feature_extractor.conv_layers';

interface Blocks {
  /** (B, 1, padded samples) */
  readonly waveform: Value;
  /** (1) */
  readonly count: Value;
  readonly samples: number;
  readonly stride: number;
}

function planBlocks(
  g: GraphBuilder,
  waveform: Value,
  config: Wav2Vec2Config,
  blockFrames: number,
): Blocks {
  const stride = blockFrames * frameSamplesOf(config);
  const samples = stride - frameSamplesOf(config) + receptiveFieldOf(config);
  const longest = framesAfter(g, sizeOf(g, waveform, 1), config.convolutions);
  const count = div(g, add(g, longest, ints(g, [blockFrames - 1])), ints(g, [blockFrames]));
  const needed = add(g, mul(g, count, ints(g, [stride])), ints(g, [samples - stride]));
  const size = sizeOf(g, waveform, 1);
  const missing = g.op('Max', [sub(g, needed, size), ints(g, [0])]);
  const pads = concat(g, [ints(g, [0, 0, 0]), missing], 0);
  const padded = g.op('Pad', [waveform, pads, scalar(g, 0, waveform.type)]);
  return { waveform: unsqueeze(g, padded, 1), count, samples, stride };
}

/** `body` takes one block (B, 1, samples), where it starts, and what is carried. */
function overBlocks(
  g: GraphBuilder,
  { waveform, count, samples, stride }: Blocks,
  carried: readonly Value[],
  body: (
    inner: GraphBuilder,
    block: Value,
    start: Value,
    carried: readonly Value[],
  ) => { carried: readonly Value[]; scans: readonly Value[] },
): { carried: Value[]; scans: Value[] } {
  const yes = g.model.inline('const/true', 'bool', [], Uint8Array.of(1));
  return g.loop({ maxTrips: squeeze(g, count, 0), condition: yes, carried }, (inner, state) => {
    const start = mul(inner, unsqueeze(inner, state.iteration, 0), ints(inner, [stride]));
    const end = add(inner, start, ints(inner, [samples]));
    const block = slice(inner, waveform, 2, start, end);
    return { condition: yes, ...body(inner, block, start, state.carried) };
  });
}

/** (B, channels, N) → (B, channels, F) */
function convolve(g: GraphBuilder, x: Value, i: number, layer: ConvLayer): Value {
  const type = x.type === 'float16' ? 'float16' : 'float32';
  // What a group norm follows has its mean taken out again.
  const hasBias = layer.hasBias && layer.norm !== 'group';
  const bias = hasBias ? [weight(g, `${PREFIX}.${i}.conv.bias`, 1, type)] : [];
  const inputs = [x, weight(g, `${PREFIX}.${i}.conv.weight`, 3, type), ...bias];
  return g.op('Conv', inputs, { kernel_shape: [layer.kernel], strides: [layer.stride] });
}

function normed(g: GraphBuilder, x: Value, i: number, { norm }: ConvLayer): Value {
  if (norm !== 'layer') return x;
  return transpose(
    g,
    layerNorm(g, transpose(g, x, [0, 2, 1]), `${PREFIX}.${i}.layer_norm`),
    [0, 2, 1],
  );
}

/**
 * The norm after the first convolution of base models: each channel over all of an item's own frames. Its mean and
 * variance need a first pass over the blocks; what comes back is applied in the second one.
 */
function channelNorm(
  g: GraphBuilder,
  blocks: Blocks,
  lengths: Value,
  layer: ConvLayer,
): (inner: GraphBuilder, x: Value) => Value {
  const name = `${PREFIX}.0.layer_norm`;
  const [channels = 0] = g.model.shapeOf(`${name}.weight`, 1);
  const counts = framesAfter(g, lengths, [layer]);
  const shape = concat(g, [sizeOf(g, lengths, 0), ints(g, [channels, 1])], 0);
  const zeros = expand(g, scalar(g, 0), shape, 3);
  // The blocks overlap; each counts the frames before the next one's first.
  const step = blocks.stride / layer.stride;
  const totals = overBlocks(g, blocks, [zeros, zeros], (inner, block, start, [sum, squares]) => {
    const y = cast(inner, slice(inner, convolve(inner, block, 0, layer), 2, 0, step), 'float32');
    const first = div(inner, start, ints(inner, [layer.stride]));
    const size = squeeze(inner, sizeOf(inner, y, 2), 0);
    const own = unsqueeze(inner, ownPositions(inner, size, sub(inner, counts, first)), -1);
    const total = matMul(inner, y, own);
    const power = matMul(inner, mul(inner, y, y), own);
    if (!sum || !squares) throw new Error('the loop carries two sums');
    return { carried: [add(inner, sum, total), add(inner, squares, power)], scans: [] };
  });
  const [sum, squares] = totals.carried;
  if (!sum || !squares) throw new Error('the loop gave no sums');
  const count = reshape(g, cast(g, counts, 'float32'), [-1, 1, 1]);
  const mean = div(g, sum, count);
  const variance = sub(g, div(g, squares, count), mul(g, mean, mean));
  const safe = add(g, g.op('Max', [variance, scalar(g, 0)]), scalar(g, NORM_EPSILON));
  const perChannel = (part: string) => unsqueeze(g, weight(g, `${name}.${part}`, 1), -1);
  const scale = div(g, perChannel('weight'), g.op('Sqrt', [safe]));
  const shift = sub(g, perChannel('bias'), mul(g, mean, scale));
  return (inner, x) => {
    const y = add(inner, mul(inner, cast(inner, x, 'float32'), scale), shift);
    return cast(inner, y, x.type);
  };
}

/** 1 where a position is below an item's count, else 0: size (), counts (B) → (B, size), float32. */
export function ownPositions(g: GraphBuilder, size: Value, counts: Value): Value {
  const positions = g.op('Range', [int(g, 0), size, int(g, 1)]);
  const isOwn = g.op('Less', [unsqueeze(g, positions, 0), unsqueeze(g, counts, 1)]);
  return cast(g, isOwn, 'float32');
}

function framesAfter(g: GraphBuilder, samples: Value, layers: readonly ConvLayer[]): Value {
  return layers.reduce((length, { kernel, stride }) => {
    const last = div(g, sub(g, length, int(g, kernel)), int(g, stride));
    return add(g, last, int(g, 1));
  }, samples);
}
