/** The circuit breakers of all backends: one board for everyone who asks. */
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
