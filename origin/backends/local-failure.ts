/** What our own pipeline failed of → where that leaves the request. */
import type { Asked } from '#origin/backends/backend.ts';
import { errorToWire } from '#shared/error-to-wire.ts';
import { type SttError, SttException } from '#shared/errors.ts';
import { fail } from '#shared/result.ts';

/**
 * A recording or a field that is at fault here is at fault everywhere; else another backend may do better.
 * @throws what is no expected failure
 */
export function toLocalFailure(thrown: unknown): Asked {
  if (!(thrown instanceof SttException)) throw thrown;
  const { error } = thrown;
  const { status } = errorToWire(error, { requestId: '', accept: undefined });
  const isOurs = status >= 500 || status === 429;
  const retryAfterSeconds = waitOf(error);
  return {
    result: fail({
      error,
      move: isOurs ? 'next' : 'final',
      code: error.kind,
      ...(retryAfterSeconds !== null && { retryAfterSeconds }),
    }),
    outcome: { kind: isOurs && !PASSING.has(error.kind) ? 'failure' : 'neutral' },
  };
}

/** They say nothing of whether the engine is well. */
const PASSING: ReadonlySet<SttError['kind']> = new Set([
  'client_gone',
  'shutting_down',
  'storage_full',
  // Others hold the memory, or the model is too large: a smaller one may be answered by the same engine.
  'no_memory_for_model',
  'device_unreadable',
]);

function waitOf(error: SttError): number | null {
  return 'retryAfterSeconds' in error ? error.retryAfterSeconds : null;
}
