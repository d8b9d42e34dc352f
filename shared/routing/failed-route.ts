/** The error for a caller whose request nobody could answer, for edge and origin alike. */
import type { SttError } from '#shared/errors.ts';
import type { TryFailure } from '#shared/routing/try-in-order.ts';

/** Of a single backend its own, else what all of them said. */
export function explainFailedRoute<Failure>(
  failure: TryFailure<Failure>,
  limitMs: number,
): { readonly ofBackend: Failure } | { readonly ofRoute: SttError } {
  switch (failure.kind) {
    case 'final':
      return { ofBackend: failure.error };
    case 'exhausted': {
      const { error, tried, retryAfterSeconds } = failure;
      const isOnly = new Set(tried.map(({ backend }) => backend)).size <= 1;
      if (isOnly) return { ofBackend: error };
      return {
        ofRoute: {
          kind: 'backends_failed',
          tried: tried.map(({ backend, code }) => ({ backend, code })),
          retryAfterSeconds: Math.max(1, retryAfterSeconds ?? RETRY_SECONDS),
        },
      };
    }
    case 'timeout': {
      const limitSeconds = Math.round(limitMs / 1000);
      return { ofRoute: { kind: 'timeout', doing: 'waiting for a backend', limitSeconds } };
    }
    case 'aborted':
      return { ofRoute: { kind: 'client_gone' } };
    case 'no_backend':
      return { ofRoute: { kind: 'internal' } };
  }
}

/** Where none of them says when to come back. */
const RETRY_SECONDS = 10;
