/** Requests per window and audio seconds per day of each principal, right behind authentication. */
import type { MiddlewareHandler } from 'hono';
import type { EdgeContext, EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { AUDIO_SECONDS_HEADER } from '#shared/contracts/audio-seconds.ts';
import { SttException } from '#shared/errors.ts';
import { rateLimitHeaders } from '#shared/rate-limit/headers.ts';

type LimitDependencies = Pick<EdgeDependencies, 'limiterFor' | 'audioSecondsPerDay' | 'logger'>;

/** Counts the request and refuses it beyond the limit. Whoever has no limit is not counted. */
export function limitRequests({ limiterFor }: LimitDependencies): MiddlewareHandler<EdgeEnv> {
  return async function countRequest(c, next) {
    const { id, rateLimit } = c.get('principal');
    if (rateLimit !== null) {
      const outcome = await limiterFor(id).take(rateLimit);
      c.set('limitHeaders', rateLimitHeaders(outcome));
      if (!outcome.isAllowed) throw rateLimited(c, 'requests', outcome.retryAfterSeconds);
    }
    await next();
  };
}

/**
 * Refuses a recording when the day's audio is used up, and charges what was transcribed by what the origin says in
 * `X-Audio-Seconds`. Failed work costs nothing.
 */
export function limitAudio(deps: LimitDependencies): MiddlewareHandler<EdgeEnv> {
  const { limiterFor, audioSecondsPerDay } = deps;
  return async function countAudio(c, next) {
    const { id, rateLimit } = c.get('principal');
    if (audioSecondsPerDay === null || rateLimit === null) return next();
    const { isAllowed, retryAfterSeconds } = await limiterFor(id).checkAudio(audioSecondsPerDay);
    if (!isAllowed) throw rateLimited(c, 'audio_seconds', retryAfterSeconds);
    await next();
    if (c.res.ok) await charge(c, deps);
  };
}

/** The text is there already: a limiter that fails now is told to the log, not to the caller. */
async function charge(c: EdgeContext, { limiterFor, logger }: LimitDependencies): Promise<void> {
  const seconds = Number(c.res.headers.get(AUDIO_SECONDS_HEADER) ?? Number.NaN);
  const entry = { request_id: c.get('requestId'), backend: c.get('facts').backend };
  if (!Number.isFinite(seconds) || seconds < 0) {
    logger('error', 'an answer without the length of its audio was not charged', entry);
    return;
  }
  try {
    await limiterFor(c.get('principal').id).chargeAudio(seconds);
  } catch (error) {
    logger('error', 'audio was not charged', { ...entry, cause: String(error).slice(0, 500) });
  }
}

function rateLimited(
  c: EdgeContext,
  limit: 'requests' | 'audio_seconds',
  retryAfterSeconds: number,
): SttException {
  c.get('facts').limited = limit;
  return new SttException({
    kind: 'rate_limited',
    retryAfterSeconds: Math.max(1, retryAfterSeconds),
    ...(limit === 'audio_seconds' && { limit: 'audio' }),
  });
}
