import type { Step } from './choose-step.ts';
import type { CostModel } from './cost-model.ts';
import { type DecodeWork, type EmitWork, spanSeconds, voiceSeconds } from './work.ts';

/** What a call will take, in seconds, by estimate. */
export function stepSeconds(step: Step, costs: CostModel): number {
  switch (step.kind) {
    case 'segment':
      return costs.segment(step.work.request.windows.length);
    case 'embed':
      return costs.embed(voiceSeconds(step.work.request));
    case 'emit':
      return emitSeconds(step.works, costs);
    case 'detect':
      return costs.detect(step.work.request.model, step.work.request.spans.length);
    case 'encode':
      return costs.encode(step.model, step.spans.length);
    case 'decode':
      return decodeSeconds(step.works, costs);
  }
}

/** What a decode batch will take, in seconds, by estimate. */
export function decodeSeconds(batch: readonly DecodeWork[], costs: CostModel): number {
  const [head] = batch;
  return head === undefined ? 0 : costs.decode(searchOf(head), batch.length, longestSeconds(batch));
}

/** What a call of the aligner will take, in seconds, by estimate. */
export function emitSeconds(batch: readonly EmitWork[], costs: CostModel): number {
  const [head] = batch;
  if (head === undefined) return 0;
  return costs.emit(head.request.model, batch.length, longestSeconds(batch));
}

/** Tells the cost model what a call took. */
export function learnFrom(step: Step, seconds: number, costs: CostModel): void {
  switch (step.kind) {
    case 'segment':
      costs.sawSegment(step.work.request.windows.length, seconds);
      break;
    case 'embed':
      costs.sawEmbed(voiceSeconds(step.work.request), seconds);
      break;
    case 'emit': {
      const [head] = step.works;
      if (head === undefined) break;
      costs.sawEmit(head.request.model, step.works.length, longestSeconds(step.works), seconds);
      break;
    }
    case 'detect':
      costs.sawDetect(step.work.request.model, step.work.request.spans.length, seconds);
      break;
    case 'encode':
      costs.sawEncode(step.model, step.spans.length, seconds);
      break;
    case 'decode': {
      const [head] = step.works;
      if (head === undefined) break;
      costs.sawDecode(searchOf(head), step.works.length, longestSeconds(step.works), seconds);
    }
  }
}

/** Length of a chunk. */
export function secondsOf(work: DecodeWork | EmitWork): number {
  return spanSeconds(work.request.item.span);
}

/** What the cost of a decode step depends on, besides the batch. */
function searchOf(work: DecodeWork): string {
  return `${work.request.model}, ${work.request.search.beamWidth} beams`;
}

/** The longest chunk sets the number of steps. */
function longestSeconds(batch: readonly (DecodeWork | EmitWork)[]): number {
  return Math.max(...batch.map(secondsOf));
}
