import type { ChildExit } from './child-link.ts';
import type { EngineFailureReason } from './engine-failure.ts';

/** The reason and the words for the end of an engine process. */
export function describeExit(exit: ChildExit): {
  readonly reason: EngineFailureReason;
  readonly message: string;
} {
  if (exit.cause === 'ended') {
    return { reason: 'stopped', message: 'the engine process was ended' };
  }
  const reason = reasonOf(exit);
  const how = exit.signal === null ? `code ${exit.code}` : `signal ${exit.signal}`;
  const words = exit.words === '' ? '' : `: ${exit.words}`;
  switch (exit.cause) {
    case 'too_slow':
      return {
        reason,
        message: `the engine process was ended, because ${exit.wasReady ? 'a call' : 'its start'} took too long`,
      };
    case 'start_refused':
      return { reason, message: `the engine process could not start${words}` };
    case 'out_of_memory':
      return { reason, message: `the engine's device ran out of memory${words}` };
    case 'by_itself':
      return { reason, message: `the engine process ended with ${how}${words}` };
  }
}

function reasonOf(exit: ChildExit): EngineFailureReason {
  if (exit.cause === 'out_of_memory' || ranOutOfMemory(exit)) return 'out_of_memory';
  return exit.wasReady ? 'crashed' : 'start_failed';
}

/**
 * A SIGKILL that is not ours comes, on Linux, nearly always from the kernel's out-of-memory killer; V8 aborts when
 * its heap is full, and says so.
 */
function ranOutOfMemory(exit: ChildExit): boolean {
  if (exit.cause !== 'by_itself' || !exit.wasReady) return false;
  return exit.signal === 'SIGKILL' || /heap out of memory|bad_alloc/i.test(exit.words);
}
