/** Who sends a request, before any route sees it. */
import type { Context, MiddlewareHandler } from 'hono';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import type { Authenticate, Authenticated } from '#shared/auth/authenticate.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { hasScope, STT_SCOPE } from '#shared/auth/scopes.ts';
import { type SttError, SttException } from '#shared/errors.ts';

export interface AuthenticationOptions {
  readonly authenticate: Authenticate;
  /** What the credential must allow. Default `stt`. */
  readonly scope?: string;
  /** Told of every refusal, for the log and for numbers. Holds no part of a credential. */
  readonly onRefused?: (failure: AuthFailure, c: Context) => void;
}

/** What the middleware leaves in `c.var`. */
export interface AuthenticationVariables {
  principal: Principal;
  /** `assertion`: the edge has limited this request already. */
  authenticatedVia: Authenticated['via'];
}

/**
 * Sets `c.var.principal`, or throws `SttException`: `unauthenticated` (401), `forbidden` (403), `auth_unavailable` (503).
 * Which of the many reasons it was, only `onRefused` learns.
 */
export function authentication<E extends { Variables: AuthenticationVariables }>(
  options: AuthenticationOptions,
): MiddlewareHandler<E> {
  const { authenticate, scope = STT_SCOPE, onRefused } = options;
  return async function authenticateRequest(c, next) {
    const { method, url, headers } = c.req.raw;
    const outcome = await authenticate({ method, url, headers });
    if (!outcome.ok) {
      onRefused?.(outcome.error, c);
      throw new SttException(toSttError(outcome.error));
    }
    const { principal, via } = outcome.value;
    if (!hasScope(principal, scope)) {
      const failure = {
        kind: 'missing_scope',
        principalId: principal.id,
        wanted: scope,
      } satisfies AuthFailure;
      onRefused?.(failure, c);
      throw new SttException(toSttError(failure));
    }
    // E has these variables by its bound, which the types of Hono's `set` cannot follow.
    const context = c as unknown as Context<{ Variables: AuthenticationVariables }>;
    context.set('principal', principal);
    context.set('authenticatedVia', via);
    await next();
  };
}

function toSttError(failure: AuthFailure): SttError {
  switch (failure.kind) {
    case 'missing_scope':
      return { kind: 'forbidden', wanted: `the scope ${failure.wanted}` };
    case 'auth_unavailable':
      return { kind: 'auth_unavailable', retryAfterSeconds: failure.retryAfterSeconds };
    default:
      return { kind: 'unauthenticated' };
  }
}
