/** From the steps of a search to each item's best hypothesis, inside the graph. */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import {
  cast,
  concat,
  div,
  END,
  gather,
  int,
  ints,
  mul,
  reshape,
  scalar,
  sizeOf,
  slice,
  squeeze,
  sub,
  transpose,
  unsqueeze,
  where,
} from '../onnx/ops.ts';
import type { WhisperConfig } from './whisper-config.ts';
import { NEVER } from './whisper-decoder-layers.ts';

/** The best hypothesis of each item. Beyond its length a row holds end tokens. */
export interface BestHypothesis {
  /** (B, T) */
  readonly tokens: Value;
  /** (B, T) */
  readonly tokenLogProbs: Value;
  /** (B) tokens before the end token */
  readonly lengths: Value;
  /** (B) end token included, where it was reached */
  readonly sumLogProb: Value;
}

/** Everything a step gives, stacked over the steps: (T, B, K) each. */
export interface Trace {
  readonly tokens: Value;
  readonly parents: Value;
  readonly scores: Value;
  readonly finishedScores: Value;
  readonly finishedParents: Value;
}

/** What the score of a finished hypothesis was made with. */
interface SearchLength {
  readonly beamWidth: Value;
  readonly lengthPenalty: Value;
}

/** Finds the best finished hypothesis (or, where none finished, the best live beam) and follows it to its start. */
export function backtrack(
  g: GraphBuilder,
  trace: Trace,
  inputs: SearchLength,
  config: WhisperConfig,
): BestHypothesis {
  const end = bestEnd(g, trace, inputs);
  const steps = sizeOf(g, trace.tokens, 0);
  const last = sub(g, squeeze(g, steps, 0), int(g, 1));
  const { scans } = g.loop(
    {
      maxTrips: squeeze(g, steps, 0),
      condition: g.op('Equal', [int(g, 0), int(g, 0)]),
      carried: [end.beam],
    },
    (body, { iteration, carried }) => {
      const [beam] = carried;
      if (!beam) throw new Error('the way back carries the beam');
      const at = sub(body, last, iteration);
      const isInside = body.op('Less', [at, end.length]);
      const read = (x: Value) =>
        squeeze(body, pick(body, gather(body, x, at), unsqueeze(body, beam, 1)), 1);
      const token = where(body, isInside, read(trace.tokens), int(body, config.endToken));
      const next = where(body, isInside, read(trace.parents), beam);
      const goOn = body.op('Equal', [int(body, 0), int(body, 0)]);
      return { condition: goOn, carried: [next], scans: [token, read(trace.scores)] };
    },
  );
  const [tokens, sums] = scans.map((scan) => transpose(g, reversed(g, scan), [1, 0]));
  if (!tokens || !sums) throw new Error('the way back gives tokens and sums');
  const before = concat(
    g,
    [mul(g, slice(g, sums, 1, 0, 1), scalar(g, 0)), slice(g, sums, 1, 0, -1)],
    1,
  );
  return {
    tokens,
    tokenLogProbs: sub(g, sums, before),
    lengths: end.length,
    sumLogProb: end.sumLogProb,
  };
}

interface HypothesisEnd {
  /** (B) index of its last token's beam */
  readonly beam: Value;
  /** (B) tokens before the end token */
  readonly length: Value;
  /** (B) */
  readonly sumLogProb: Value;
}

function bestEnd(g: GraphBuilder, trace: Trace, inputs: SearchLength): HypothesisEnd {
  const width = squeeze(g, inputs.beamWidth, 0);
  const byItem = (x: Value) =>
    reshape(g, transpose(g, x, [1, 0, 2]), concat(g, [sizeOf(g, x, 1), ints(g, [-1])], 0), 2);
  const pool = byItem(trace.finishedScores); // (B, T·K)
  const at = g.op('ArgMax', [pool], { axis: 1, keepdims: 1 });
  const score = squeeze(g, pick(g, pool, at), 1);
  const length = div(g, squeeze(g, at, 1), width);
  const parent = squeeze(g, pick(g, byItem(trace.finishedParents), at), 1);
  const asFloat = g.op('Max', [cast(g, length, 'float32'), scalar(g, 1)]);
  const sum = mul(g, score, g.op('Pow', [asFloat, inputs.lengthPenalty]));

  const isFinished = g.op('Greater', [score, scalar(g, NEVER / 2)]);
  const lastScores = squeeze(g, slice(g, trace.scores, 0, -1), 0); // (B, K)
  const liveAt = g.op('ArgMax', [lastScores], { axis: 1, keepdims: 1 });
  const steps = squeeze(g, sizeOf(g, trace.tokens, 0), 0);
  return {
    beam: where(g, isFinished, parent, squeeze(g, liveAt, 1)),
    length: where(g, isFinished, length, steps),
    sumLogProb: where(g, isFinished, sum, squeeze(g, pick(g, lastScores, liveAt), 1)),
  };
}

/** Elements of each row (B, N) at the row's indices (B, n). */
export function pick(g: GraphBuilder, x: Value, at: Value): Value {
  return g.op('GatherElements', [x, at], { axis: 1 });
}

function reversed(g: GraphBuilder, x: Value): Value {
  return g.op('Slice', [x, ints(g, [-1]), ints(g, [-END]), ints(g, [0]), ints(g, [-1])]);
}
