/** What a caller reads about its limits. */
import type { AudioOutcome } from '#shared/rate-limit/audio-quota.ts';
import type { RateOutcome } from '#shared/rate-limit/sliding-window.ts';

/**
 * The headers of every answer to a principal with a limit; none for one without. `X-RateLimit-Reset` is in seconds
 * from now, as `Retry-After` is, so that it needs no agreement about the time of day. With a refusal `Retry-After`
 * comes too.
 */
export function rateLimitHeaders(outcome: RateOutcome | null): Record<string, string> {
  if (outcome === null) return {};
  return {
    'X-RateLimit-Limit': String(outcome.limit),
    'X-RateLimit-Remaining': String(outcome.remaining),
    'X-RateLimit-Reset': String(outcome.resetSeconds),
    ...(!outcome.isAllowed && { 'Retry-After': String(Math.max(1, outcome.retryAfterSeconds)) }),
  };
}

/** The header of a refusal for the day's audio; none when there is still some left. */
export function audioQuotaHeaders(outcome: AudioOutcome | null): Record<string, string> {
  if (outcome === null || outcome.isAllowed) return {};
  return { 'Retry-After': String(Math.max(1, outcome.retryAfterSeconds)) };
}
