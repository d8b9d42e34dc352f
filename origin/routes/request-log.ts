import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import type { Trace, Tracing } from '#origin/tracing/tracing.ts';

/** One line per request, with the route's pattern and what the handlers found worth telling. */
export function requestLog({
  logger,
  now,
  tracing,
}: Pick<OriginDependencies, 'logger' | 'now' | 'tracing'>): MiddlewareHandler<OriginEnv> {
  return async function logRequest(c, next) {
    const startedMs = now();
    c.set('facts', {});
    const trace = isQuiet(c.req.path) ? undefined : beginTrace(c, tracing);
    await next();
    const { errorCode, ...facts } = c.get('facts');
    const status = c.res.status;
    const route = routePath(c, -1);
    const line = {
      request_id: c.get('requestId'),
      method: c.req.method,
      route,
      status,
      duration_ms: Math.round(now() - startedMs),
      ...(errorCode !== undefined && { code: errorCode }),
      ...facts,
      ...(trace !== undefined && { trace_id: trace.traceId }),
    };
    const attributes = { ...facts, 'http.route': route, 'http.response.status_code': status };
    trace?.end({ name: `${c.req.method} ${route}`, isError: status >= 500, attributes });
    logger[status >= 500 ? 'error' : isQuiet(c.req.path) ? 'debug' : 'info'](line, 'request');
  };
}

function beginTrace(c: Context<OriginEnv>, tracing: Tracing | undefined): Trace | undefined {
  const origin = { requestId: c.get('requestId'), traceparent: c.req.header('traceparent') };
  const trace = tracing?.begin(c.req.method, origin);
  if (trace !== undefined) c.set('trace', trace);
  return trace;
}

/** Asked for every few seconds by monitors. */
function isQuiet(path: string): boolean {
  return path === '/health' || path === '/metrics';
}
