/** The circuit breakers of all backends, as the edge uses them: one board for everyone who asks. */
import type { EdgeLogger } from '#edge-worker/logger.ts';
import { type After, abortAfter, untilAborted } from '#shared/abort-after.ts';
import type { BreakerOutcome, BreakerState } from '#shared/routing/circuit-breaker.ts';

/** How a backend stands. */
export interface BreakerView {
  readonly backend: string;
  readonly state: BreakerState['kind'];
  /** It lets no request through now. */
  readonly isOpen: boolean;
  /** The last outcome that said something of the backend; null: none yet. */
  readonly last: { readonly kind: 'success' | 'failure'; readonly atMs: number } | null;
}

/** An answer to who wants to ask a backend. */
export interface BreakerPermit {
  /** To be handed back with the outcome; null: do not ask it. */
  readonly permit: number | null;
  /** Milliseconds to wait at least; 0 with a permit. */
  readonly retryAfterMs: number;
}

/** Backends go by their ids of routing: `whisperx`, `mistral`. One that nobody has heard of is closed. */
export interface BreakerBoard {
  /** Every backend that anything is known of. Changes nothing. */
  look(): Promise<readonly BreakerView[]>;
  admit(backend: string): Promise<BreakerPermit>;
  /** Each permit once, whatever came of the request; `neutral` gives a probe back. */
  report(backend: string, permit: number, outcome: BreakerOutcome): Promise<void>;
}

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
