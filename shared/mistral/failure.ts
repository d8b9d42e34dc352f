/** What may go wrong with Mistral, and whose fault it is. Holds nothing that Mistral wrote: its words stay inside. */

export type MistralFailure =
  /** Key refused, or not allowed: ours to repair, never the caller's business. */
  | { readonly kind: 'misconfigured'; readonly status: number }
  /** A field that the caller chose. */
  | { readonly kind: 'bad_field'; readonly field: CallerField }
  | { readonly kind: 'unreadable_audio' }
  | { readonly kind: 'too_long' }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'unknown_model' }
  /** It refused what we thought it could do: the table of capabilities is out of date. */
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'rate_limited'; readonly retryAfterSeconds: number | null }
  | {
      readonly kind: 'upstream_error';
      readonly status: number;
      readonly retryAfterSeconds: number | null;
    }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'timeout'; readonly limitMs: number }
  | { readonly kind: 'broken_answer'; readonly problem: BrokenAnswer }
  /** The recording broke off on its way to us. */
  | { readonly kind: 'upload_failed' }
  | { readonly kind: 'aborted' };

export type CallerField = 'language' | 'temperature';

export type BrokenAnswer =
  | 'not_json'
  | 'wrong_shape'
  | 'too_large'
  | 'cut_off'
  | 'error_event'
  | 'wrong_type';

/**
 * `final`: another backend would fail of the same. `next`: another one may do better, also with a recording that
 * Mistral cannot read, since our own decoders know more formats.
 */
export function moveAfter(failure: MistralFailure): 'final' | 'next' {
  switch (failure.kind) {
    case 'bad_field':
    case 'upload_failed':
    case 'aborted':
      return 'final';
    default:
      return 'next';
  }
}

/** What the failure says of the backend's health, for its circuit breaker. */
export function breakerOutcomeOf(
  failure: MistralFailure,
): { kind: 'neutral' } | { kind: 'failure'; retryAfterMs?: number } {
  switch (failure.kind) {
    case 'rate_limited':
    case 'upstream_error': {
      const { retryAfterSeconds } = failure;
      if (retryAfterSeconds === null) return { kind: 'failure' };
      return { kind: 'failure', retryAfterMs: retryAfterSeconds * 1000 };
    }
    case 'misconfigured':
    case 'unreachable':
    case 'timeout':
    case 'broken_answer':
      return { kind: 'failure' };
    default:
      return { kind: 'neutral' };
  }
}

/** A sentence for the caller: what happened and what to do, in our own words. */
export function describeMistralFailure(failure: MistralFailure): string {
  switch (failure.kind) {
    case 'bad_field':
      return `Voxtral does not take this value of "${failure.field}".`;
    case 'unreadable_audio':
      return 'Voxtral could not read the recording. Send wav, mp3, flac, ogg or m4a.';
    case 'too_long':
      return 'The recording is too long for Voxtral. Send it in parts.';
    case 'too_large':
      return 'The file is too large for Voxtral. Send it compressed or in parts.';
    case 'unknown_model':
      return 'The model is not there any more. GET /models lists what there is.';
    case 'rate_limited':
      return 'Voxtral takes no more requests at this moment. Try again later.';
    case 'timeout':
      return `Voxtral gave no answer within ${Math.round(failure.limitMs / 1000)} s.`;
    case 'upload_failed':
      return 'The recording broke off while it was sent.';
    case 'aborted':
      return 'The client left before the answer was ready.';
    default:
      return 'Voxtral cannot be used at this moment.';
  }
}
