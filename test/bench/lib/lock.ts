/** An optional lock file that other work on the machine respects, held only while something is measured. */

import { once } from 'node:events';
import { failure, startChild } from '#test/bench/lib/child-processes.ts';

export type LockMode = 'exclusive' | 'shared';

/**
 * Runs the task while holding the file's lock by the program `flock` (util-linux); without a file it just runs.
 * Exclusive is for timings, shared for heavy work that is not timed.
 */
export async function withLock<T>(
  file: string | undefined,
  mode: LockMode,
  task: () => Promise<T>,
): Promise<T> {
  if (file === undefined) return task();
  const child = startChild('flock', [`--${mode}`, file, 'sh', '-c', 'echo held; cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout!, 'data'), failure(child, 'flock')]);
  try {
    return await task();
  } finally {
    child.stdin!.end();
    await exited;
  }
}
