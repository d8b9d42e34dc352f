import type { MiddlewareHandler } from 'hono';
import type { EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import { authentication } from '#shared/middleware/authentication.ts';

/**
 * Sets `c.var.principal`, or refuses; the log has the reason, the answer has not. Whoever sends an `X-Mana-Assertion` is
 * refused: only the edge asserts.
 */
export function authenticateCaller({
  authenticate,
  logger,
}: Pick<EdgeDependencies, 'authenticate' | 'logger'>): MiddlewareHandler<EdgeEnv> {
  return authentication<EdgeEnv>({
    authenticate,
    onRefused: (failure, c) => {
      c.get('facts').refusal = failure.kind;
      logger('info', 'caller refused', { request_id: c.get('requestId'), ...tell(failure) });
    },
  });
}

function tell(failure: AuthFailure) {
  const { kind: reason, ...evidence } = failure;
  return { reason, ...evidence };
}
