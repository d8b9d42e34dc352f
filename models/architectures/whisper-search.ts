/**
 * Beam search and sampling as graph nodes: the loop over tokens. `whisper-backtrack.ts` finds the way back.
 *
 * Beam search: K live beams an item. Each step takes the best 2K candidates; those that end with the end token and stand
 * among the best K go to the pool of finished hypotheses (score / length^penalty), the best K others live on. The loop
 * stops when every item has K finished ones. The pool needs no state: it is what the steps gave, searched at the end.
 * Sampling (temperature > 0): the K rows are independent samples and the pool decides between them in the same way.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  add,
  cast,
  concat,
  div,
  expand,
  gather,
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
  unsqueeze,
  where,
} from '../onnx/ops.ts';
import { project, scaleQuery } from './layers.ts';
import { type BestHypothesis, backtrack, pick } from './whisper-backtrack.ts';
import { headSizeOf, type WhisperConfig } from './whisper-config.ts';
import { embedTokens, finalNorm } from './whisper-decoder-ends.ts';
import {
  type DecoderNet,
  decoderLayers,
  EMBEDDING,
  mergeHeads,
  NEVER,
  splitHeads,
} from './whisper-decoder-layers.ts';

export interface SearchInputs {
  readonly beamWidth: Value;
  readonly maxNewTokens: Value;
  readonly lengthPenalty: Value;
  readonly temperature: Value;
  readonly uniforms: Value;
  readonly suppress: Value;
  readonly suppressBegin: Value;
}

export function searchInputs(g: GraphBuilder, config: WhisperConfig): SearchInputs {
  return {
    beamWidth: g.input('beam_width', 'int64', [1]),
    maxNewTokens: g.input('max_new_tokens', 'int64', []),
    lengthPenalty: g.input('length_penalty', 'float32', []),
    temperature: g.input('temperature', 'float32', ['batch']),
    uniforms: g.input('uniforms', 'float32', ['steps', 'uniform_batch', 'uniform_beams']),
    suppress: g.input('suppress', 'float32', [config.vocabularySize]),
    suppressBegin: g.input('suppress_begin', 'float32', [config.vocabularySize]),
  };
}

/** Where the search starts: the prompt (B, P), what the net made of its last token (B, width), keys and values. */
export interface SearchStart {
  readonly prompt: Value;
  readonly hidden: Value;
  readonly caches: readonly { keys: Value; values: Value }[];
}

export function searchLoop(
  g: GraphBuilder,
  inputs: SearchInputs,
  net: DecoderNet,
  start: SearchStart,
): BestHypothesis {
  const { width } = net.config;
  const batch = sizeOf(g, start.prompt, 0);
  const promptLength = squeeze(g, sizeOf(g, start.prompt, 1), 0);
  const batchBeams = concat(g, [batch, inputs.beamWidth], 0);
  const hiddenShape = concat(g, [batchBeams, ints(g, [width])], 0);
  const hidden = expand(g, unsqueeze(g, start.hidden, 1), hiddenShape, 3);
  const hottest = reduce(g, 'ReduceMax', inputs.temperature, 0);
  const sampling = g.op('Greater', [hottest, scalar(g, 0)]);
  const beams = indices(g, inputs.beamWidth);
  const rows = indices(g, batch);
  const firstOnly = where(g, g.op('Equal', [beams, int(g, 0)]), scalar(g, 0), scalar(g, NEVER));
  const scores = expand(g, where(g, sampling, scalar(g, 0), firstOnly), batchBeams, 2);
  const reachShape = concat(g, [batchBeams, sizeOf(g, start.prompt, 1)], 0);
  const reach = expand(g, scalar(g, 0), reachShape, 3);
  const shared: StepContext = { inputs, net, sampling, beams, rows, batchBeams, promptLength };

  const { scans } = g.loop(
    {
      maxTrips: inputs.maxNewTokens,
      condition: g.op('Equal', [int(g, 0), int(g, 0)]),
      carried: [
        hidden,
        scores,
        mul(g, rows, int(g, 0)),
        reach,
        ...start.caches.flatMap(({ keys, values }) => [keys, values]),
      ],
    },
    (body, state) => step(body, shared, state),
  );
  const [tokens, parents, stepScores, finishedScores, finishedParents] = scans;
  if (!tokens || !parents || !stepScores || !finishedScores || !finishedParents) {
    throw new Error('the search loop gives five scans');
  }
  const trace = { tokens, parents, scores: stepScores, finishedScores, finishedParents };
  return backtrack(g, trace, inputs, net.config);
}

interface StepContext {
  readonly inputs: SearchInputs;
  readonly net: DecoderNet;
  readonly sampling: Value;
  /** 0 … K-1 */
  readonly beams: Value;
  /** 0 … B-1 */
  readonly rows: Value;
  /** [B, K] */
  readonly batchBeams: Value;
  readonly promptLength: Value;
}

function step(
  g: GraphBuilder,
  context: StepContext,
  state: { iteration: Value; carried: readonly Value[] },
) {
  const [hidden, scores, finished, reach, ...caches] = state.carried;
  if (!hidden || !scores || !finished || !reach) throw new Error('the search carries four tensors');
  const { inputs, net } = context;
  const chosen = g.within('choose', () => {
    const logits = nextLogits(g, hidden, state.iteration, inputs, net);
    return choose(g, { logits, scores, iteration: state.iteration }, context);
  });
  // An item that has its K takes no more while others in the batch go on: who shares a batch must not matter.
  const isOpen = g.op('Less', [finished, squeeze(g, inputs.beamWidth, 0)]);
  const finishedScores = where(g, unsqueeze(g, isOpen, 1), chosen.finishedScores, scalar(g, NEVER));
  const count = add(g, finished, countFinished(g, finishedScores));
  const slowest = reduce(g, 'ReduceMin', count, 0);
  const condition = g.op('Less', [slowest, squeeze(g, inputs.beamWidth, 0)]);

  const reached = g.within('reach', () => extendReach(g, reach, chosen.parents, context));
  const attention = beamAttention(g, caches, reached, net.config);
  const position = add(g, context.promptLength, state.iteration);
  const embedded = embedTokens(g, chosen.tokens, position, net, 'same position');
  const x = decoderLayers(g, embedded, net, attention);
  return {
    condition,
    carried: [finalNorm(g, x), chosen.scores, count, reached, ...attention.caches],
    scans: [chosen.tokens, chosen.parents, chosen.scores, finishedScores, chosen.finishedParents],
  };
}

/** (B, K, width) → (B, K, V), float32, suppressed tokens pushed down. */
function nextLogits(
  g: GraphBuilder,
  hidden: Value,
  iteration: Value,
  inputs: SearchInputs,
  { precision }: DecoderNet,
): Value {
  const isFirst = g.op('Equal', [iteration, int(g, 0)]);
  const atBegin = where(g, isFirst, inputs.suppressBegin, scalar(g, 0));
  const bias = add(g, inputs.suppress, atBegin);
  if (precision.maths === 'float32') return project(g, hidden, EMBEDDING, bias, precision);
  return add(g, cast(g, project(g, hidden, EMBEDDING, null, precision), 'float32'), bias);
}

/** What one step decides, (B, K) each. A finished score of NEVER means that nothing finished there. */
interface Choice {
  readonly tokens: Value;
  readonly parents: Value;
  readonly scores: Value;
  readonly finishedScores: Value;
  readonly finishedParents: Value;
}

interface Candidates {
  readonly logits: Value;
  readonly scores: Value;
  readonly iteration: Value;
}

function choose(g: GraphBuilder, from: Candidates, context: StepContext): Choice {
  const tokensSoFar = g.op('Max', [cast(g, from.iteration, 'float32'), scalar(g, 1)]);
  const divisor = g.op('Pow', [tokensSoFar, context.inputs.lengthPenalty]);
  const [tokens, parents, scores, finishedScores, finishedParents] = g.if(
    context.sampling,
    (then) => Object.values(sample(then, from, divisor, context)),
    (otherwise) => Object.values(searchBeams(otherwise, from, divisor, context)),
  );
  if (!tokens || !parents || !scores || !finishedScores || !finishedParents) {
    throw new Error('a choice has five tensors');
  }
  return { tokens, parents, scores, finishedScores, finishedParents };
}

function searchBeams(
  g: GraphBuilder,
  from: Candidates,
  divisor: Value,
  context: StepContext,
): Choice {
  const { beamWidth } = context.inputs;
  const twice = mul(g, beamWidth, ints(g, [2]));
  const logProbs = g.op('LogSoftmax', [from.logits], { axis: -1 });
  const [best, bestTokens] = topK(g, logProbs, twice); // (B, K, 2K)
  const flat = concat(g, [ints(g, [-1]), mul(g, beamWidth, twice)], 0);
  const totals = reshape(g, add(g, best, unsqueeze(g, from.scores, 2)), flat, 2);
  const [candidates, at] = topK(g, totals, twice); // (B, 2K)
  const candidateParents = div(g, at, twice);
  const candidateTokens = pick(g, reshape(g, bestTokens, flat, 2), at);
  const ends = g.op('Equal', [candidateTokens, int(g, context.net.config.endToken)]);
  const never = scalar(g, NEVER);
  const [scores, live] = topK(g, where(g, ends, never, candidates), beamWidth);
  return {
    tokens: pick(g, candidateTokens, live),
    parents: pick(g, candidateParents, live),
    scores,
    finishedScores: slice(g, where(g, ends, div(g, candidates, divisor), never), 1, 0, beamWidth),
    finishedParents: slice(g, candidateParents, 1, 0, beamWidth),
  };
}

/** Draws each row's token by inverting the cumulative distribution at that step's uniform number. */
function sample(g: GraphBuilder, from: Candidates, divisor: Value, context: StepContext): Choice {
  const { temperature, uniforms } = context.inputs;
  const never = scalar(g, NEVER);
  const heat = reshape(g, temperature, [-1, 1, 1]);
  const heated = g.op('Softmax', [div(g, from.logits, heat)], { axis: -1 });
  const cumulative = g.op('CumSum', [heated, int(g, 2)]);
  const draw = unsqueeze(g, gather(g, uniforms, from.iteration), 2);
  const passed = cast(g, g.op('Less', [cumulative, draw]), 'int32');
  const drawn = cast(g, reduce(g, 'ReduceSum', passed, 2), 'int64');
  const last = sub(g, squeeze(g, sizeOf(g, from.logits, 2), 0), int(g, 1));
  const tokens = g.op('Min', [drawn, last]);
  const logProbs = g.op('LogSoftmax', [from.logits], { axis: -1 });
  const picked = g.op('GatherElements', [logProbs, unsqueeze(g, tokens, 2)], { axis: 2 });
  const scores = add(g, from.scores, squeeze(g, picked, 2));
  const ends = g.op('Equal', [tokens, int(g, context.net.config.endToken)]);
  // A row that ended before carries a sum near NEVER and cannot finish again.
  const alive = g.op('Greater', [scores, scalar(g, NEVER / 2)]);
  const endsNow = g.op('And', [ends, alive]);
  const itself = add(g, expand(g, context.beams, context.batchBeams, 2), int(g, 0));
  return {
    tokens,
    parents: itself,
    scores: where(g, ends, never, scores),
    finishedScores: where(g, endsNow, div(g, scores, divisor), never),
    finishedParents: add(g, itself, int(g, 0)),
  };
}

function countFinished(g: GraphBuilder, finishedScores: Value): Value {
  const ended = g.op('Greater', [finishedScores, scalar(g, NEVER / 2)]);
  return reduce(g, 'ReduceSum', cast(g, ended, 'int64'), 1);
}

/**
 * Which cached keys each beam may look at: 0 for its own past, NEVER for that of others, (B, K, keys). The caches
 * themselves are never put in a new order when beams change places; only this small table is.
 */
function extendReach(g: GraphBuilder, reach: Value, parents: Value, context: StepContext): Value {
  const { beamWidth } = context.inputs;
  const offset = unsqueeze(g, mul(g, context.rows, squeeze(g, beamWidth, 0)), 1);
  const flat = reshape(g, add(g, parents, offset), [-1]);
  const keys = sizeOf(g, reach, 2);
  const byBeam = reshape(g, reach, concat(g, [ints(g, [-1]), keys], 0), 2);
  const shape = concat(g, [context.batchBeams, keys], 0);
  const inherited = reshape(g, gather(g, byBeam, flat), shape, 3);
  const same = g.op('Equal', [unsqueeze(g, context.beams, 1), unsqueeze(g, context.beams, 0)]);
  const own = where(g, same, scalar(g, 0), scalar(g, NEVER));
  const ownShape = concat(g, [context.batchBeams, beamWidth], 0);
  return concat(g, [inherited, expand(g, own, ownShape, 3)], 2);
}

/** Attention of K beams to the keys of all beams so far, each held to its own past. */
function beamAttention(
  g: GraphBuilder,
  caches: readonly Value[],
  reach: Value,
  config: WhisperConfig,
): { caches: Value[]; attend: (layer: number, q: Value, k: Value, v: Value) => Value } {
  const grown: Value[] = [];
  const mask = unsqueeze(g, reach, 1);
  return {
    caches: grown,
    attend(layer, q, k, v) {
      const [pastKeys, pastValues] = [caches[2 * layer], caches[2 * layer + 1]];
      if (!pastKeys || !pastValues) throw new Error(`no cache for decoder layer ${layer}`);
      const keys = concat(g, [pastKeys, splitHeads(g, k, config)], 2);
      const values = concat(g, [pastValues, splitHeads(g, v, config)], 2);
      grown.push(keys, values);
      const queries = splitHeads(g, scaleQuery(g, q, headSizeOf(config)), config);
      const scores = cast(g, g.op('FusedMatMul', [queries, keys], { transB: 1 }), 'float32');
      const weights = g.op('Softmax', [add(g, scores, mask)], { axis: -1 });
      return mergeHeads(g, matMul(g, cast(g, weights, values.type), values), config);
    },
  };
}

function topK(g: GraphBuilder, x: Value, k: Value): [Value, Value] {
  const [values, at] = g.ops('TopK', [x, k], { axis: -1 });
  if (!values || !at) throw new Error('TopK gives values and indices');
  return [values, at];
}

/** 0 … n-1 for a computed size (1). */
function indices(g: GraphBuilder, n: Value): Value {
  return g.op('Range', [int(g, 0), squeeze(g, n, 0), int(g, 1)]);
}
