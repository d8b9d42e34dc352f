import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';

/** One line per request, with the route's pattern and what the handlers found worth telling. */
export function requestLog({
  logger,
  now,
}: Pick<OriginDependencies, 'logger' | 'now'>): MiddlewareHandler<OriginEnv> {
  return async function logRequest(c, next) {
    const startedMs = now();
    c.set('facts', {});
    await next();
    const { errorCode, ...facts } = c.get('facts');
    const status = c.res.status;
    const line = {
      request_id: c.get('requestId'),
      method: c.req.method,
      route: routePath(c, -1),
      status,
      duration_ms: Math.round(now() - startedMs),
      ...(errorCode !== undefined && { code: errorCode }),
      ...facts,
    };
    logger[status >= 500 ? 'error' : isQuiet(c.req.path) ? 'debug' : 'info'](line, 'request');
  };
}

/** Asked for every few seconds by monitors. */
function isQuiet(path: string): boolean {
  return path === '/health' || path === '/metrics';
}
