/**
 * wav2vec 2.0 with a CTC head: which sign of the vocabulary is heard, every 20 ms. Source: Baevski et al., "wav2vec 2.0: A
 * framework for self-supervised learning of speech representations", arXiv 2006.11477; XLS-R, arXiv 2111.09296; MMS with
 * its adapters, arXiv 2305.13516. Weight names as in the Hugging Face layout (`Wav2Vec2ForCTC`).
 *
 * | input | shape | |
 * | --- | --- | --- |
 * | waveform | (B, N) | 16 kHz; what follows an item's own samples does not matter |
 * | lengths | (B) | own samples of each item, at least as many as one frame sees (400) |
 * | columns | (B, C) | token ids whose log-probabilities are wanted |
 *
 * emissions (B, F, C + 1), float32: log-probabilities of those tokens and, last, the largest one of all but the blank.
 * frames (B): how many of the F rows are an item's own. An item's rows do not depend on what else is in the batch.
 */
import type { Architecture } from '../architecture.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import { add, cast, concat, expand, reduce, sizeOf, table, unsqueeze } from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { weight } from './layers.ts';
import { readWav2Vec2Config, type Wav2Vec2Config } from './wav2vec2-config.ts';
import { encodeFrames } from './wav2vec2-encoder.ts';
import { extractFeatures, normalizeWaveform } from './wav2vec2-features.ts';

/** Name of the graph inside its folder, without ending. */
export const CTC_GRAPH = 'emissions';

export const WAV2VEC2: Architecture = {
  name: 'wav2vec2',
  sideFiles: ['config.json', 'vocab.json', 'tokenizer_config.json', 'preprocessor_config.json'],
  graphs(sourceDir, precision, { exposeLogits = false }) {
    const config = readWav2Vec2Config(sourceDir);
    const fill = (model: ModelBuilder) => buildCtcGraph(model, config, precision, { exposeLogits });
    return [{ name: CTC_GRAPH, fill }];
  },
};

export interface CtcGraphOptions {
  /** Adds a `logits` output (B, F, vocabulary), for parity tests. */
  readonly exposeLogits?: boolean;
}

export function buildCtcGraph(
  model: ModelBuilder,
  config: Wav2Vec2Config,
  precision: Precision,
  { exposeLogits = false }: CtcGraphOptions = {},
): void {
  const g = model.graph;
  const waveform = g.input('waveform', 'float32', ['batch', 'samples']);
  const lengths = g.input('lengths', 'int64', ['batch']);
  const columns = g.input('columns', 'int64', ['batch', 'columns']);
  const normal = normalizeWaveform(g, waveform, lengths, config);
  const { features, frames } = extractFeatures(g, normal, lengths, config, precision);
  const hidden = encodeFrames(g, features, frames, config, precision);
  const logits = g.within('lm_head', () => head(g, hidden, precision));
  const emissions = g.within('select', () => selectColumns(g, logits, columns, config));
  g.output('emissions', emissions, ['batch', 'frames', 'emissions']);
  g.output('frames', frames, ['batch']);
  if (exposeLogits) g.output('logits', logits, ['batch', 'frames', config.vocabularySize]);
}

/** (B, F, width) → (B, F, vocabulary), float32. Never in 8 bits: it is small, and all of the answer goes through it. */
function head(g: GraphBuilder, hidden: Value, { maths }: Precision): Value {
  const w = weight(g, 'lm_head.weight', 2, maths);
  const product = g.op('FusedMatMul', [cast(g, hidden, maths), w], { transB: 1 });
  return add(g, cast(g, product, 'float32'), weight(g, 'lm_head.bias', 1));
}

function selectColumns(
  g: GraphBuilder,
  logits: Value,
  columns: Value,
  { vocabularySize, blankId }: Wav2Vec2Config,
): Value {
  const logProbs = g.op('LogSoftmax', [logits], { axis: -1 });
  const shape = concat(
    g,
    [sizeOf(g, logProbs, 0), sizeOf(g, logProbs, 1), sizeOf(g, columns, 1)],
    0,
  );
  const indices = expand(g, unsqueeze(g, columns, 1), shape, 3);
  const chosen = g.op('GatherElements', [logProbs, indices], { axis: 2 });
  const noBlank = new Float32Array(vocabularySize);
  noBlank[blankId] = -1e9;
  const spoken = add(g, logProbs, table(g, 'no_blank', [vocabularySize], noBlank));
  return concat(g, [chosen, reduce(g, 'ReduceMax', spoken, 2, 1)], 2);
}
