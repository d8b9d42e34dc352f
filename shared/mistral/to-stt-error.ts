/** What went wrong with Mistral → the error of our own contract. Nothing that is only ours to know is in it. */
import type { SttError } from '#shared/errors.ts';
import { MISTRAL_MODELS } from '#shared/mistral/capabilities.ts';
import { describeMistralFailure, type MistralFailure } from '#shared/mistral/failure.ts';

export interface FailedRequest {
  /** The backend's public name. */
  readonly backend: string;
  readonly model: string;
  /** The caller named it. */
  readonly isModelNamed: boolean;
}

/**
 * A key that is refused, and a table of models that is out of date, are faults of ours: they look like any other backend
 * that cannot be used.
 */
export function toSttError(failure: MistralFailure, request: FailedRequest): SttError {
  const { backend, model, isModelNamed } = request;
  const unusable = { kind: 'backend_unavailable', backend, problem: 'unusable' } as const;
  switch (failure.kind) {
    case 'bad_field': {
      const message = describeMistralFailure(failure);
      return {
        kind: 'invalid_fields',
        faults: [{ field: failure.field, message, type: 'value_error' }],
      };
    }
    case 'unreadable_audio':
      return { kind: 'undecodable_audio', explanation: describeMistralFailure(failure) };
    case 'too_long':
    case 'too_large':
      return { kind: 'recording_too_large', explanation: describeMistralFailure(failure) };
    case 'unknown_model': {
      const others = MISTRAL_MODELS.map(({ id }) => id).filter((id) => id !== model);
      return isModelNamed ? { kind: 'unknown_model', model, known: others } : unusable;
    }
    case 'rate_limited': {
      const retryAfterSeconds = Math.max(1, failure.retryAfterSeconds ?? BUSY_RETRY_SECONDS);
      return { kind: 'backend_busy', backend, retryAfterSeconds };
    }
    case 'timeout': {
      const limitSeconds = Math.round(failure.limitMs / 1000);
      return { kind: 'timeout', doing: `waiting for ${backend}`, limitSeconds };
    }
    case 'unreachable':
      return { ...unusable, problem: 'unreachable' };
    case 'broken_answer':
      return { ...unusable, problem: 'broken_answer' };
    case 'aborted':
      return { kind: 'client_gone' };
    case 'upload_failed':
      return { kind: 'internal' };
    case 'misconfigured':
    case 'refused':
    case 'upstream_error':
      return unusable;
  }
}

/** Where it does not say how long. */
const BUSY_RETRY_SECONDS = 30;
