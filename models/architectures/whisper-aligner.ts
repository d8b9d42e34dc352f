/**
 * Where in the audio each token was heard: a pass over the whole text with the cross-attention of the alignment heads.
 * Source: openai/whisper `timing.py` (softmax, normalise over tokens, mean over heads; the median filter and the
 * alignment itself are done by the caller).
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  cast,
  concat,
  div,
  gather,
  int,
  ints,
  mul,
  reduce,
  scalar,
  sizeOf,
  slice,
  softmax,
  squeeze,
  sub,
  unsqueeze,
  where,
} from '../onnx/ops.ts';
import { embedTokens } from './whisper-decoder-ends.ts';
import {
  type DecoderNet,
  decoderLayers,
  NEVER,
  prefillAttention,
} from './whisper-decoder-layers.ts';

export interface AlignedText {
  /** (B, P) */
  readonly prompt: Value;
  /** (B, T) */
  readonly tokens: Value;
  /** (B) */
  readonly lengths: Value;
  /** (B) frames that hold audio */
  readonly audioFrames: Value;
}

/** → (B, T + 1, F): row i is the attention with which token i was predicted, the row after the last token that of the end. */
export function alignmentWeights(g: GraphBuilder, text: AlignedText, net: DecoderNet): Value {
  return g.within('align', () => {
    const sequence = concat(g, [text.prompt, text.tokens], 1);
    const scores = headScores(g, sequence, net);
    // The last prompt token predicts the first text token.
    const from = sub(g, sizeOf(g, text.prompt, 1), ints(g, [1]));
    const rows = slice(g, scores, 2, from);
    const isAudio = before(g, sizeOf(g, rows, 3), text.audioFrames);
    const heard = where(g, unsqueeze(g, unsqueeze(g, isAudio, 1), 1), rows, scalar(g, NEVER));
    return normalise(g, softmax(g, heard), text.lengths);
  });
}

/** Attention scores of the alignment heads before softmax: (B, heads, tokens, F). */
function headScores(g: GraphBuilder, sequence: Value, net: DecoderNet): Value {
  const heads = net.config.alignmentHeads;
  const found: Value[] = [];
  const attention = prefillAttention(g, sizeOf(g, sequence, 1), net.config);
  decoderLayers(g, embedTokens(g, sequence, int(g, 0), net), net, attention, {
    lastLayer: Math.max(...heads.map(([layer]) => layer)),
    onCross(layer, scores) {
      const chosen = heads.filter(([l]) => l === layer).map(([, head]) => head);
      if (chosen.length > 0) found.push(gather(g, scores(), ints(g, chosen), 1));
    },
  });
  return cast(g, concat(g, found, 1), 'float32');
}

/** Subtracts the mean over the tokens, divides by their deviation, averages over heads: (B, H, R, F) → (B, R, F). */
function normalise(g: GraphBuilder, weights: Value, lengths: Value): Value {
  const count = g.op('Add', [lengths, int(g, 1)]);
  const isRow = cast(g, before(g, sizeOf(g, weights, 2), count), 'float32');
  const mask = unsqueeze(g, unsqueeze(g, isRow, 1), 3);
  const n = unsqueeze(g, unsqueeze(g, unsqueeze(g, cast(g, count, 'float32'), 1), 1), 1);
  const mean = div(g, reduce(g, 'ReduceSum', mul(g, weights, mask), 2, 1), n);
  const centred = mul(g, sub(g, weights, mean), mask);
  const variance = div(g, reduce(g, 'ReduceSum', mul(g, centred, centred), 2, 1), n);
  const deviation = g.op('Max', [g.op('Sqrt', [variance]), scalar(g, 1e-9)]);
  return reduce(g, 'ReduceMean', div(g, centred, deviation), 1);
}

/** (B, size): whether an index lies below the item's limit (B). */
function before(g: GraphBuilder, size: Value, limits: Value): Value {
  const index = g.op('Range', [int(g, 0), squeeze(g, size, 0), int(g, 1)]);
  return g.op('Less', [unsqueeze(g, index, 0), unsqueeze(g, limits, 1)]);
}
