import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';

/** One line per request, with the route's pattern and what the handlers found worth telling. */
export function requestLog({
  logger,
  now,
}: Pick<EdgeDependencies, 'logger' | 'now'>): MiddlewareHandler<EdgeEnv> {
  return async function logRequest(c, next) {
    const startedMs = now();
    c.set('facts', {});
    await next();
    const { backend, errorCode } = c.get('facts');
    const { status } = c.res;
    logger(status >= 500 ? 'error' : 'info', 'request', {
      request_id: c.get('requestId'),
      method: c.req.method,
      route: routePath(c, -1),
      status,
      duration_ms: now() - startedMs,
      code: errorCode,
      backend,
      principal: c.get('principal')?.id,
    });
  };
}
