/** The origin's HTTP app. Reads like a table of contents: what every request passes, then the routes. */
import { Hono, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { gateMiddleware } from '#origin/routes/gate.ts';
import { gpuLeaseRoutes } from '#origin/routes/gpu-leases.ts';
import { jobRoutes } from '#origin/routes/jobs.ts';
import { reportLoad } from '#origin/routes/load.ts';
import { metricsRoute } from '#origin/routes/metrics.ts';
import { onError, sendError } from '#origin/routes/on-error.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { requestLog } from '#origin/routes/request-log.ts';
import { healthRoute, indexRoute, modelsRoute } from '#origin/routes/service.ts';
import { transcribeRoute } from '#origin/routes/transcribe.ts';
import { routedRoute } from '#origin/routes/transcribe-routed.ts';
import { routedPath } from '#shared/contracts/gateway-path.ts';
import { openAiErrors } from '#shared/middleware/openai-errors.ts';

export type { OriginDependencies } from '#origin/routes/origin-env.ts';

/**
 * Makes the app; it owns nothing, so whoever made the dependencies closes them.
 * @throws Error when `METRICS_ALLOW` is not a list of addresses and networks
 */
export function createOriginApp(deps: OriginDependencies): Hono<OriginEnv> {
  const app = new Hono<OriginEnv>({ getPath: routedPath });
  app.use(requestId({ limitLength: 100 }));
  app.use(requestLog(deps));
  app.use(openAiErrors);
  app.use(secureHeaders({ strictTransportSecurity: false }));
  app.use(neverCached);
  app.use(reportLoad(deps));
  app.use(allowOrigins(deps.config.corsOrigins));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod(deps) }));

  app.get('/', indexRoute(routesOf(deps)));
  app.get('/health', healthRoute(deps));
  app.get('/metrics', metricsRoute(deps));

  const { admit, admitAudio } = gateMiddleware(deps);
  app.get('/models', admit, modelsRoute(deps));
  app.post('/transcribe', admit, admitAudio, transcribeRoute(deps));
  app.post('/transcribe/whisperx', admit, admitAudio, transcribeRoute(deps));

  if (deps.backends !== undefined) {
    const { backends } = deps;
    app.post('/transcribe/auto', admit, admitAudio, routedRoute(deps, backends, 'auto'));
    app.post('/transcribe/voxtral', admit, admitAudio, routedRoute(deps, backends, 'voxtral'));
  }

  if (deps.jobs !== undefined) {
    const jobs = jobRoutes(deps, deps.jobs);
    app.post('/jobs', admit, admitAudio, jobs.submit);
    app.get('/jobs/:id', admit, jobs.look);
    app.get('/jobs/:id/result', admit, jobs.result);
    app.delete('/jobs/:id', admit, jobs.cancel);
  }

  if (deps.vram !== undefined) {
    const leases = gpuLeaseRoutes(deps.vram);
    app.get('/v1/gpu', admit, leases.internalOnly, leases.status);
    app.post('/v1/gpu/leases', admit, leases.internalOnly, leases.acquire);
    app.put('/v1/gpu/leases/:id', admit, leases.internalOnly, leases.heartbeat);
    app.delete('/v1/gpu/leases/:id', admit, leases.internalOnly, leases.release);
  }

  app.notFound((c) =>
    sendError({ kind: 'unknown_route', method: c.req.method, path: c.req.path }, c, deps),
  );
  app.onError(onError(deps));
  return app;
}

const ROUTES = [
  'GET /',
  'GET /health',
  'GET /models',
  'GET /metrics',
  'POST /transcribe',
  'POST /transcribe/whisperx',
];

const ROUTED = ['POST /transcribe/auto', 'POST /transcribe/voxtral'];

const JOB_ROUTES = ['POST /jobs', 'GET /jobs/:id', 'GET /jobs/:id/result', 'DELETE /jobs/:id'];

const GPU_ROUTES = [
  'GET /v1/gpu',
  'POST /v1/gpu/leases',
  'PUT /v1/gpu/leases/:id',
  'DELETE /v1/gpu/leases/:id',
];

function routesOf({ backends, jobs, vram }: OriginDependencies): string[] {
  return [
    ...ROUTES,
    ...(backends ? ROUTED : []),
    ...(jobs ? JOB_ROUTES : []),
    ...(vram ? GPU_ROUTES : []),
  ];
}

const letPass: MiddlewareHandler<OriginEnv> = (_c, next) => next();

const neverCached: MiddlewareHandler<OriginEnv> = async (c, next) => {
  await next();
  c.header('Cache-Control', 'no-store');
};

function allowOrigins(origins: readonly string[]): MiddlewareHandler<OriginEnv> {
  if (origins.length === 0) {
    return letPass;
  }
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowHeaders: ['Content-Type', 'Authorization', 'X-API-Key', 'X-Request-Id', 'Idempotency-Key'],
    exposeHeaders: [
      'X-Request-Id',
      'X-Warnings',
      'X-Mana-Backend',
      'X-Mana-Route',
      'Retry-After',
      'Location',
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
    ],
    maxAge: 600,
  });
}

function refuseMethod(deps: OriginDependencies) {
  return (c: Parameters<typeof sendError>[1], allowed: string[]) =>
    sendError({ kind: 'method_not_allowed', method: c.req.method, allowed }, c, deps);
}
