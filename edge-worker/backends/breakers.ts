/** Circuit breakers that nobody depends on to live. */
import type { EdgeLogger } from '#edge-worker/logger.ts';
import { type After, abortAfter, untilAborted } from '#shared/abort-after.ts';
import type { BreakerBoard, BreakerPermit } from '#shared/routing/breaker-board.ts';

/** A permit that no breaker gave, so that none heeds its outcome. */
const OUTSIDE: BreakerPermit = { permit: -1, retryAfterMs: 0 };

/**
 * The same board, but one that fails, or says nothing for so long, lets everything through: recordings matter more than
 * breakers.
 */
export function failOpen(
  board: BreakerBoard,
  logger: EdgeLogger,
  { timeoutMs = 2000, after }: { readonly timeoutMs?: number; readonly after?: After } = {},
): BreakerBoard {
  async function orElse<Value>(work: () => Promise<Value>, instead: Value): Promise<Value> {
    const limit = abortAfter(timeoutMs, undefined, after);
    try {
      return await untilAborted(work(), limit.signal);
    } catch (error) {
      logger('error', 'the circuit breakers failed', { cause: String(error).slice(0, 500) });
      return instead;
    } finally {
      limit.dispose();
    }
  }
  return {
    look: () => orElse(() => board.look(), []),
    admit: (backend) => orElse(() => board.admit(backend), OUTSIDE),
    report: (backend, permit, outcome) =>
      orElse(() => board.report(backend, permit, outcome), undefined),
  };
}
