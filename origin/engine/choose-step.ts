/**
 * Which engine call comes next, given the waiting work in fair order. Pure.
 *
 * 1. The head of the order decides the kind of call. Chunks are encoded in calls of their own, a few at a time, so
 *    that whoever arrives meanwhile can go in between; a head that is not encoded yet is encoded.
 * 2. A decode batch takes the head, then compatible items in order: those of the head's own request, and those of
 *    others that are encoded already. The longest chunk sets the number of steps, so others' items that are much
 *    longer than the head stay out: a short clip never runs at the pace of a long chunk.
 * 3. A batch that is not full may wait for others' preparation (voice activity, language, encoding), as long as all
 *    of it delays the head by at most `delayShare` of the batch's own time. A short clip allows next to none, a
 *    full-length chunk some, and where encoding is cheap (a GPU) batches simply fill up.
 * 4. A call cannot be interrupted. A request with more than `backgroundSeconds` of audio ahead is in the
 *    background: no call with one of its items may take longer than `backgroundCallSeconds`, by estimate.
 * 5. The aligner's calls take chunks of one aligner, of any request, that are not much longer than the head.
 * 6. Work that was lost in a call goes alone.
 */
import type { CostModel } from './cost-model.ts';
import type { AudioSpan } from './protocol.ts';
import { decodeSeconds, emitSeconds, secondsOf, stepSeconds } from './step-costs.ts';
import {
  type DecodeWork,
  type DetectWork,
  type EmbedWork,
  type EmitWork,
  type SegmentWork,
  spansOf,
  type Work,
} from './work.ts';

export interface StepLimits {
  /** Most items of a decode call. */
  readonly batchSize: number;
  /** Most spans of an encode call. */
  readonly encodeBatchSize: number;
  readonly backgroundSeconds: number;
  readonly backgroundCallSeconds: number;
  readonly delayShare: number;
}

export type Step =
  | { readonly kind: 'segment'; readonly work: SegmentWork }
  | { readonly kind: 'embed'; readonly work: EmbedWork }
  | { readonly kind: 'emit'; readonly works: readonly EmitWork[] }
  | { readonly kind: 'detect'; readonly work: DetectWork }
  | {
      readonly kind: 'encode';
      readonly model: string;
      readonly spans: readonly AudioSpan[];
      /** Whose spans they are. */
      readonly works: readonly Work[];
    }
  | { readonly kind: 'decode'; readonly works: readonly DecodeWork[] };

export interface ChosenStep {
  readonly step: Step;
  /** The head that lets others' preparation go first, and for how long by estimate. */
  readonly delayed: { readonly work: DecodeWork; readonly seconds: number } | null;
}

export interface StepTools {
  readonly limits: StepLimits;
  readonly costs: CostModel;
  readonly isEncoded: (model: string, span: AudioSpan) => boolean;
}

/** Others' items may be this much longer than the head: `factor` times, plus `seconds`. */
const LONGER_ALLOWED = { factor: 1.5, seconds: 1 };

/** The next call; null when nothing waits. */
export function chooseStep(ordered: readonly Work[], tools: StepTools): ChosenStep | null {
  const [head, ...rest] = ordered;
  if (head === undefined) return null;
  switch (head.kind) {
    case 'decode':
      return chooseForDecode(head, rest, tools);
    case 'emit':
      return { step: { kind: 'emit', works: fillEmitBatch(head, rest, tools) }, delayed: null };
    case 'detect':
      return { step: detectStep(head, tools), delayed: null };
    default:
      return { step: singleStep(head), delayed: null };
  }
}

function chooseForDecode(head: DecodeWork, rest: readonly Work[], tools: StepTools): ChosenStep {
  const batch = fillBatch(head, rest, tools);
  const missing = batch.filter((work) => !isEncoded(work, tools));
  if (missing.length > 0) return { step: encodeStep(missing, tools), delayed: null };
  const preparation = head.alone ? null : findPreparation(batch, rest, tools);
  return preparation ?? { step: { kind: 'decode', works: batch }, delayed: null };
}

function fillBatch(head: DecodeWork, rest: readonly Work[], tools: StepTools): DecodeWork[] {
  const batch = [head];
  if (head.alone) return batch;
  for (const work of rest) {
    if (work.kind !== 'decode') continue;
    const joinsAtOnce = isOfSameRequest(work, head) || isEncoded(work, tools);
    if (joinsAtOnce && mayJoin(batch, work, tools)) batch.push(work);
  }
  return batch;
}

function fillEmitBatch(head: EmitWork, rest: readonly Work[], tools: StepTools): EmitWork[] {
  const batch = [head];
  const { limits, costs } = tools;
  for (const work of rest) {
    if (head.alone || batch.length >= limits.batchSize) break;
    if (work.kind !== 'emit' || work.alone || work.request.model !== head.request.model) continue;
    if (secondsOf(work) > longestCompanion(head)) continue;
    const joined = [...batch, work];
    const isShort = emitSeconds(joined, costs) <= limits.backgroundCallSeconds;
    if (isShort || !joined.some((item) => isBackground(item, limits))) batch.push(work);
  }
  return batch;
}

/** Seconds that a batch's head grants its company. */
function longestCompanion(head: DecodeWork | EmitWork): number {
  return secondsOf(head) * LONGER_ALLOWED.factor + LONGER_ALLOWED.seconds;
}

function mayJoin(batch: readonly DecodeWork[], work: DecodeWork, tools: StepTools): boolean {
  const { limits } = tools;
  const [head] = batch;
  if (head === undefined || batch.length >= limits.batchSize) return false;
  if (work.alone || work.batchKey !== head.batchKey) return false;
  if (!isOfSameRequest(work, head) && secondsOf(work) > longestCompanion(head)) return false;
  const joined = [...batch, work];
  if (!joined.some((item) => isBackground(item, limits))) return true;
  return decodeSeconds(joined, tools.costs) <= limits.backgroundCallSeconds;
}

function findPreparation(
  batch: readonly DecodeWork[],
  rest: readonly Work[],
  tools: StepTools,
): ChosenStep | null {
  const [head] = batch;
  if (head === undefined || batch.length >= tools.limits.batchSize) return null;
  const allowed = decodeSeconds(batch, tools.costs) * tools.limits.delayShare - head.delayedSeconds;
  for (const work of rest) {
    if (isOfSameRequest(work, head) || work.alone) continue;
    const step = preparationStep(batch, work, tools);
    if (step === null) continue;
    const seconds = stepSeconds(step, tools.costs);
    if (seconds <= allowed) return { step, delayed: { work: head, seconds } };
  }
  return null;
}

/** What brings another request's work closer to this batch, if anything does. */
function preparationStep(batch: readonly DecodeWork[], work: Work, tools: StepTools): Step | null {
  if (work.kind === 'decode') {
    const helps = !isEncoded(work, tools) && mayJoin(batch, work, tools);
    return helps ? encodeStep([work], tools) : null;
  }
  if (work.kind === 'emit' || isBackground(work, tools.limits)) return null;
  if (work.kind !== 'detect') return singleStep(work);
  return work.request.model === batch[0]?.request.model ? detectStep(work, tools) : null;
}

function singleStep(work: SegmentWork | EmbedWork): Step {
  return work.kind === 'segment' ? { kind: 'segment', work } : { kind: 'embed', work };
}

function detectStep(work: DetectWork, tools: StepTools): Step {
  const missing = missingSpans(work, tools);
  if (missing.length === 0) return { kind: 'detect', work };
  const spans = missing.slice(0, tools.limits.encodeBatchSize);
  return { kind: 'encode', model: work.request.model, spans, works: [work] };
}

function encodeStep(missing: readonly DecodeWork[], tools: StepTools): Step {
  const works = missing.slice(0, tools.limits.encodeBatchSize);
  const spans = works.map((work) => work.request.item.span);
  return { kind: 'encode', model: missing[0]?.request.model ?? '', spans, works };
}

function isEncoded(work: DecodeWork, tools: StepTools): boolean {
  return missingSpans(work, tools).length === 0;
}

/** What is still to be encoded; nothing, once as many calls were made as could have done it twice. */
function missingSpans(work: DetectWork | DecodeWork, tools: StepTools): readonly AudioSpan[] {
  const spans = spansOf(work);
  if (work.encodeCalls >= 2 * spans.length) return [];
  return spans.filter((span) => !tools.isEncoded(work.request.model, span));
}

function isOfSameRequest(a: Work, b: Work): boolean {
  return a.context.owner === b.context.owner;
}

function isBackground(work: Work, limits: StepLimits): boolean {
  return work.context.remainingSeconds() > limits.backgroundSeconds;
}
