/** The Worker's entry: its Durable Objects, and the app. Requests go to the app, which is made when an isolate gets its first one. */
import { createEdgeApp } from '#edge-worker/app.ts';
import { readBindings } from '#edge-worker/bindings.ts';
import { createDependencies } from '#edge-worker/dependencies.ts';
import { consoleLogger } from '#edge-worker/logger.ts';
import { errorToWire } from '#shared/error-to-wire.ts';

export { BreakerBoard } from '#edge-worker/durable-objects/breaker-board.ts';
export { EdgeMetrics } from '#edge-worker/durable-objects/edge-metrics.ts';
export { RateLimiter } from '#edge-worker/durable-objects/rate-limiter.ts';

type App = ReturnType<typeof createEdgeApp>;

let app: App | null = null;

export default {
  fetch(request, env, context): Response | Promise<Response> {
    app ??= openApp(env);
    return app?.fetch(request, {}, context) ?? misconfigured();
  },
} satisfies ExportedHandler;

/** Null when the settings have faults; the log has them all. */
function openApp(env: unknown): App | null {
  const config = readBindings(env);
  if (config.ok) return createEdgeApp(createDependencies(config.value));
  for (const problem of config.error) consoleLogger('error', 'bad setting', { problem });
  return null;
}

function misconfigured(): Response {
  const requestId = crypto.randomUUID();
  consoleLogger('error', 'request refused: the settings have faults', { request_id: requestId });
  const { status, headers, body } = errorToWire({ kind: 'internal' }, { requestId });
  return new Response(JSON.stringify(body), { status, headers });
}
