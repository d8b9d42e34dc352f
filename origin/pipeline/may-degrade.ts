import { DecodeFailure } from '#origin/audio/decode-failure.ts';
import { EngineFailure } from '#origin/engine/engine-failure.ts';
import { SttException } from '#shared/errors.ts';

/**
 * Whether the request may go on without the optional stage that failed. Not where the request is over (cancelled,
 * stopped, nothing to decode) or the caller has to be told of a mistake.
 */
export function mayDegrade(error: unknown): boolean {
  if (error instanceof SttException || error instanceof DecodeFailure) return false;
  if (error instanceof EngineFailure) return !OVER.has(error.reason);
  return true;
}

const OVER: ReadonlySet<EngineFailure['reason']> = new Set(['cancelled', 'stopped']);
