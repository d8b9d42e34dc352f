/** The edge's HTTP app. Reads like a table of contents: what every request passes, then the routes. */
import { Hono, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import type { EdgeContext, EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { authenticateCaller } from '#edge-worker/routes/authenticate.ts';
import { shieldByAddress } from '#edge-worker/routes/ip-shield.ts';
import { limitAudio, limitRequests } from '#edge-worker/routes/limit-caller.ts';
import { metricsRoute } from '#edge-worker/routes/metrics.ts';
import { onError, sendError } from '#edge-worker/routes/on-error.ts';
import { requestLog } from '#edge-worker/routes/request-log.ts';
import { requestMetrics } from '#edge-worker/routes/request-metrics.ts';
import { healthRoute, indexRoute, modelsRoute } from '#edge-worker/routes/service.ts';
import { transcribeRoute } from '#edge-worker/routes/transcribe.ts';
import { routedRoute } from '#edge-worker/routes/transcribe-auto.ts';
import { AUDIO_SECONDS_HEADER } from '#shared/contracts/audio-seconds.ts';
import { routedPath } from '#shared/contracts/gateway-path.ts';
import { openAiErrors } from '#shared/middleware/openai-errors.ts';

export type { EdgeDependencies } from '#edge-worker/edge-env.ts';

/** Makes the app; whoever made the dependencies owns them. */
export function createEdgeApp(deps: EdgeDependencies): Hono<EdgeEnv> {
  const app = new Hono<EdgeEnv>({ getPath: routedPath });
  app.use(requestId({ limitLength: 100 }));
  app.use(requestLog(deps));
  app.use(requestMetrics(deps));
  app.use(openAiErrors);
  app.use(secureHeaders({ strictTransportSecurity: 'max-age=31536000' }));
  app.use(markAnswer);
  app.use(allowOrigins(deps.corsOrigins));
  app.use(shieldByAddress(deps));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }));

  app.get('/', indexRoute(ROUTES));
  app.get('/health', healthRoute(deps));

  const authenticate = authenticateCaller(deps);
  const limit = limitRequests(deps);
  app.get('/metrics', authenticate, metricsRoute(deps));
  app.get('/models', authenticate, limit, modelsRoute(deps));
  const audio = limitAudio(deps);
  for (const path of ['/transcribe', '/transcribe/whisperx'] as const) {
    app.post(path, authenticate, limit, audio, transcribeRoute(deps));
  }
  app.post('/transcribe/auto', authenticate, limit, audio, routedRoute(deps, 'auto'));
  app.post('/transcribe/voxtral', authenticate, limit, audio, routedRoute(deps, 'voxtral'));

  app.notFound((c) =>
    sendError({ kind: 'unknown_route', method: c.req.method, path: c.req.path }, c),
  );
  app.onError(onError(deps));
  return app;
}

const ROUTES = [
  'GET /',
  'GET /health',
  'GET /metrics',
  'GET /models',
  'POST /transcribe',
  'POST /transcribe/whisperx',
  'POST /transcribe/auto',
  'POST /transcribe/voxtral',
];

const letPass: MiddlewareHandler<EdgeEnv> = (_c, next) => next();

/** Afterwards, because an origin's answer takes the place of what was set before. */
const markAnswer: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  await next();
  c.header('X-Request-Id', c.get('requestId'));
  c.header('Cache-Control', 'no-store');
  const limits = Object.entries(c.get('limitHeaders') ?? {});
  for (const [name, value] of limits) c.header(name, value);
};

function allowOrigins(origins: readonly string[]): MiddlewareHandler<EdgeEnv> {
  if (origins.length === 0) return letPass;
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST'],
    allowHeaders: ['Content-Type', 'Authorization', 'X-API-Key', 'X-Request-Id', 'Idempotency-Key'],
    exposeHeaders: [
      'X-Request-Id',
      'X-Warnings',
      'X-Mana-Backend',
      'X-Mana-Route',
      AUDIO_SECONDS_HEADER,
      'Retry-After',
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
    ],
    maxAge: 600,
  });
}

function refuseMethod(c: EdgeContext, allowed: string[]): Response {
  return sendError({ kind: 'method_not_allowed', method: c.req.method, allowed }, c);
}
