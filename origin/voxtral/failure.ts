/** What may go wrong between a recording and its Voxtral text, and where that leaves the request. Holds no foreign words. */

import type { BreakerOutcome } from '#shared/routing/circuit-breaker.ts';
import type { AttemptFailure } from '#shared/routing/try-in-order.ts';

export type VoxtralFailure =
  /** Our own vLLM is not up and cannot be brought up in time. */
  | {
      readonly kind: 'unavailable';
      readonly state: 'starting' | 'restarting' | 'failed' | 'stopped';
      readonly retryAfterSeconds: number;
    }
  /** No connection, or one that broke before or within the answer. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'timeout'; readonly limitMs: number }
  /** The answer had begun, and then nothing came for so long. */
  | { readonly kind: 'stalled'; readonly limitMs: number }
  | { readonly kind: 'overloaded'; readonly retryAfterSeconds: number | null }
  | { readonly kind: 'server_error'; readonly status: number }
  /** An error inside an answer with status 200. */
  | { readonly kind: 'error_in_answer' }
  | { readonly kind: 'broken_answer'; readonly problem: BrokenAnswer }
  /** Nothing but blanks where somebody speaks. */
  | { readonly kind: 'blank'; readonly speechSeconds: number }
  /** The text was longer than the room left for it, so its end is missing. */
  | { readonly kind: 'out_of_context' }
  /** It refused what we thought it takes: our table or its version is wrong. */
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'unknown_model' }
  | { readonly kind: 'misconfigured'; readonly status: number }
  | { readonly kind: 'aborted' };

export type BrokenAnswer = 'not_json' | 'wrong_shape' | 'wrong_type' | 'too_large' | 'cut_off';

/**
 * `again`: the same piece may well succeed when it is sent once more. `next`: another backend may do better. `final`:
 * nobody waits any more.
 */
export type Move = 'next' | 'again' | 'final';

export function moveAfter(failure: VoxtralFailure): Move {
  switch (failure.kind) {
    case 'aborted':
      return 'final';
    case 'unreachable':
    case 'stalled':
    case 'overloaded':
    case 'server_error':
    case 'error_in_answer':
    case 'broken_answer':
    case 'blank':
      return 'again';
    default:
      return 'next';
  }
}

/** Signs that the server itself is ill, for breaker and supervisor; the others say something of one request. */
export function isServerTrouble(failure: VoxtralFailure): boolean {
  return ['unreachable', 'timeout', 'stalled', 'server_error'].includes(failure.kind);
}

/** What the router makes of a recording that failed here, all tries of its pieces included. */
export function toAttemptFailure(failure: VoxtralFailure): AttemptFailure<VoxtralFailure> {
  const retryAfterSeconds = 'retryAfterSeconds' in failure ? failure.retryAfterSeconds : null;
  return {
    error: failure,
    move: moveAfter(failure) === 'final' ? 'final' : 'next',
    code: failure.kind,
    ...(retryAfterSeconds !== null && { retryAfterSeconds }),
  };
}

/** What it says of the backend's health, for its circuit breaker. */
export function breakerOutcomeOf(failure: VoxtralFailure): BreakerOutcome {
  switch (failure.kind) {
    case 'unavailable':
      return { kind: 'failure', retryAfterMs: failure.retryAfterSeconds * 1000 };
    case 'overloaded':
      return failure.retryAfterSeconds === null
        ? { kind: 'failure' }
        : { kind: 'failure', retryAfterMs: failure.retryAfterSeconds * 1000 };
    case 'aborted':
    case 'blank':
    case 'out_of_context':
    case 'too_large':
      return { kind: 'neutral' };
    default:
      return { kind: 'failure' };
  }
}

/** A sentence for the caller: what happened, in our own words. */
export function describeVoxtralFailure(failure: VoxtralFailure): string {
  switch (failure.kind) {
    case 'unavailable':
      return `Voxtral ${STATES[failure.state]}. Try again in ${failure.retryAfterSeconds} s.`;
    case 'timeout':
      return `Voxtral gave no answer within ${Math.round(failure.limitMs / 1000)} s.`;
    case 'overloaded':
      return 'Voxtral takes no more requests at this moment. Try again later.';
    case 'blank':
      return 'Voxtral found no words although somebody speaks.';
    case 'out_of_context':
      return 'The text of a part of the recording was longer than Voxtral can write.';
    case 'aborted':
      return 'The client left before the answer was ready.';
    default:
      return 'Voxtral cannot be used at this moment.';
  }
}

const STATES = {
  starting: 'is still starting',
  restarting: 'failed and is being started again',
  failed: 'cannot be started',
  stopped: 'is going down with the service',
} as const;
