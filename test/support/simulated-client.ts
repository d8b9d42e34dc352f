import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import type { AudioSpan, SearchOptions } from '#origin/engine/protocol.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import type { ManualClock } from './manual-clock.ts';

/** Beam search as the pipeline asks for it. */
export const SEARCH: SearchOptions = {
  beamWidth: 5,
  maxNewTokens: 224,
  lengthPenalty: 1,
  temperature: 0,
  seed: 0,
  suppressTokens: [],
  suppressAtBegin: [],
  align: false,
};

export const CHUNK_SECONDS = 30;
const WINDOW_SECONDS = 5;
const WINDOWS_PER_CALL = 16;
/** Chunks of one recording that are in the queue at a time. */
const CHUNKS_IN_FLIGHT = 16;

/** A request whose audio still ahead can be set. */
export interface SimulatedContext extends WorkContext {
  ahead: number;
}

/** A request with this much audio ahead. */
export function contextOf(
  requestId: string,
  remainingSeconds = 10,
  signal: WorkContext['signal'] = new AbortController().signal,
): SimulatedContext {
  const context = {
    owner: Symbol.for(requestId),
    requestId,
    signal,
    ahead: remainingSeconds,
    remainingSeconds: () => context.ahead,
  };
  return context;
}

/** A stretch of a request's recording, in seconds. */
export function spanOf(requestId: string, start: number, seconds: number): AudioSpan {
  return { path: requestId, startSample: start * 16_000, sampleCount: seconds * 16_000 };
}

/** Decodes one chunk. */
export function decodeSpan(scheduler: EngineScheduler, context: WorkContext, span: AudioSpan) {
  const item = { span, promptIds: [1, 2, 3, 4], sotIndex: 0 };
  return scheduler.decode({ model: 'base', item, search: SEARCH }, context);
}

/** What the pipeline does with a recording: voice activity, language, chunks; gives the seconds it took. */
export async function transcribe(
  scheduler: EngineScheduler,
  clock: ManualClock,
  request: { readonly id: string; readonly seconds: number },
): Promise<number> {
  const { id, seconds } = request;
  const began = clock.now();
  const context = contextOf(id, seconds);
  const windows = split(id, seconds, WINDOW_SECONDS);
  for (let at = 0; at < windows.length; at += WINDOWS_PER_CALL) {
    await scheduler.segment({ windows: windows.slice(at, at + WINDOWS_PER_CALL) }, context);
  }
  const chunks = split(id, seconds, CHUNK_SECONDS);
  await scheduler.detectLanguage({ model: 'base', spans: chunks.slice(0, 1) }, context);
  await decodeAll(scheduler, context, chunks);
  return (clock.now() - began) / 1000;
}

async function decodeAll(
  scheduler: EngineScheduler,
  context: SimulatedContext,
  chunks: readonly AudioSpan[],
): Promise<void> {
  const waiting = chunks.values();
  const lane = async () => {
    for (const chunk of waiting) {
      await scheduler.capacity(context);
      await decodeSpan(scheduler, context, chunk);
      context.ahead -= chunk.sampleCount / 16_000;
    }
  };
  await Promise.all(Array.from({ length: CHUNKS_IN_FLIGHT }, lane));
}

function split(id: string, seconds: number, step: number): AudioSpan[] {
  return Array.from({ length: Math.ceil(seconds / step) }, (_, index) =>
    spanOf(id, index * step, Math.min(step, seconds - index * step)),
  );
}

/** Moves the clock from event to event until `work` is done. */
export async function runUntil<Value>(clock: ManualClock, work: Promise<Value>): Promise<Value> {
  let isDone = false;
  const finish = () => {
    isDone = true;
  };
  work.then(finish, finish);
  for (let stuck = 0; !isDone && stuck < 50; ) {
    // Several turns, so that all that follows from one event has happened before the next.
    for (let turn = 0; turn < 4; turn += 1) await nextTurn();
    if (isDone) break;
    stuck = clock.advanceToNext() ? 0 : stuck + 1;
  }
  if (!isDone) throw new Error('nothing is left to happen, and the work is not done');
  return work;
}
