import { Worker } from 'node:worker_threads';
import type { Collected, DiarizationResult, FinishOptions } from '#origin/diarize/diarize.ts';

/** What crosses into the thread: plain data and typed arrays. */
export interface FinishMessage {
  readonly collected: Collected;
  readonly options: FinishOptions;
}

/**
 * As `finishDiarization`, in a thread of its own: hours of audio take a second, in which a server has to answer others.
 *
 * @param signal Ends the thread when nobody waits any more.
 */
export async function finishInThread(
  { windows, stretches, geometry, options: limits }: Collected,
  options: FinishOptions,
  signal: AbortSignal,
): Promise<DiarizationResult> {
  signal.throwIfAborted();
  const message: FinishMessage = {
    collected: { windows, stretches, geometry, options: limits },
    options,
  };
  const thread = new Worker(new URL('./finish-thread.ts', import.meta.url), {
    workerData: message,
  });
  const end = () => void thread.terminate();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', () => reject(signal.reason ?? new Error('the thread ended early')));
    });
  } finally {
    signal.removeEventListener('abort', end);
    await thread.terminate();
  }
}
