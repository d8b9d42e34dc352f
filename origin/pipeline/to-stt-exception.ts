/** Failures of the stages → the service's own errors. */
import { DecodeFailure } from '#origin/audio/decode-failure.ts';
import { EngineFailure } from '#origin/engine/engine-failure.ts';
import { type SttError, SttException } from '#shared/errors.ts';

export interface FailureLimits {
  readonly maxAudioSeconds: number;
  readonly decodeTimeoutSeconds: number;
}

/** Seconds after which a caller may come back when the engine itself does not know. */
const RETRY_AFTER_SECONDS = 5;

export function toSttException(cause: unknown, limits: FailureLimits): SttException {
  if (cause instanceof SttException) return cause;
  return new SttException(toSttError(cause, limits), { cause });
}

function toSttError(cause: unknown, limits: FailureLimits): SttError {
  if (cause instanceof DecodeFailure) return decodeError(cause, limits);
  if (cause instanceof EngineFailure) return engineError(cause);
  if (isErrno(cause, 'ENOSPC')) return { kind: 'storage_full' };
  return { kind: 'internal' };
}

function decodeError(failure: DecodeFailure, limits: FailureLimits): SttError {
  switch (failure.reason) {
    case 'empty_file':
      return { kind: 'empty_file' };
    case 'not_audio':
    case 'no_audio_track':
    case 'undecodable':
      return { kind: 'undecodable_audio', explanation: failure.message };
    case 'too_long':
      return { kind: 'audio_too_long', limitSeconds: limits.maxAudioSeconds };
    case 'timeout':
      return {
        kind: 'timeout',
        doing: 'decoding the audio',
        limitSeconds: limits.decodeTimeoutSeconds,
      };
    case 'cancelled':
      return { kind: 'client_gone' };
    case 'decoder_missing':
      return { kind: 'internal' };
  }
}

function engineError(failure: EngineFailure): SttError {
  const retryAfterSeconds = failure.retryAfterSeconds ?? RETRY_AFTER_SECONDS;
  switch (failure.reason) {
    case 'crashed':
    case 'out_of_memory':
      return { kind: 'engine_unavailable', state: 'restarting', retryAfterSeconds };
    case 'start_failed':
      return { kind: 'engine_unavailable', state: 'failed', retryAfterSeconds };
    case 'stopped':
      return { kind: 'shutting_down', retryAfterSeconds };
    case 'cancelled':
      return { kind: 'client_gone' };
    case 'call_failed':
      return { kind: 'internal' };
  }
}

function isErrno(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
