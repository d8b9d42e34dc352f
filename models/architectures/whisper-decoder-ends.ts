/** The two ends of Whisper's decoder: token ids → vectors, and the last normalisation. */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { add, gather, ints, sizeOf, slice } from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { embed, layerNorm, weight } from './layers.ts';
import { EMBEDDING } from './whisper-decoder-layers.ts';

/**
 * Token and position embeddings: ids (B, T) → (B, T, width). The ids of a row follow each other from `position` () on,
 * or all stand at that position, as the beams of a step do.
 */
export function embedTokens(
  g: GraphBuilder,
  ids: Value,
  position: Value,
  { precision }: { precision: Precision },
  order: 'in sequence' | 'same position' = 'in sequence',
): Value {
  const tokens = embed(g, ids, EMBEDDING, precision);
  const positions = weight(g, 'model.decoder.embed_positions.weight', 2, precision.maths);
  if (order === 'same position') return add(g, tokens, gather(g, positions, position));
  const from = g.op('Unsqueeze', [position, ints(g, [0])], {}, { as: { type: 'int64', rank: 1 } });
  return add(g, tokens, slice(g, positions, 0, from, add(g, from, sizeOf(g, ids, 1))));
}

export function finalNorm(g: GraphBuilder, x: Value): Value {
  return layerNorm(g, x, 'model.decoder.layer_norm');
}
