import type { Clock } from '#origin/engine/clock.ts';

export interface WaitOptions<Value> {
  readonly signal: AbortSignal;
  readonly maxWaitMs: number;
  readonly clock: Clock;
  /** What is given in place of a value that nobody waits for any more. */
  readonly onCut: (why: 'aborted' | 'late') => Value;
}

/** Fulfils with the promise, or with something else as soon as the time is over or the signal is aborted. */
export async function waitAtMost<Value>(
  promise: Promise<Value>,
  { signal, maxWaitMs, clock, onCut }: WaitOptions<Value>,
): Promise<Value> {
  const { promise: cut, resolve } = Promise.withResolvers<Value>();
  const onAbort = () => resolve(onCut('aborted'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const takeBack = clock.after(maxWaitMs, () => resolve(onCut('late')));
  try {
    return await Promise.race([cut, promise]);
  } finally {
    takeBack();
    signal.removeEventListener('abort', onAbort);
  }
}
