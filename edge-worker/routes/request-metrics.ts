/** Counts every request once it is answered: one call to the object that adds up, for which nobody waits. */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { EdgeContext, EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import type { MetricSample } from '#edge-worker/metrics/edge-metrics.ts';
import { afterwards } from '#edge-worker/routes/afterwards.ts';
import { AUDIO_SECONDS_HEADER } from '#shared/contracts/audio-seconds.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

type MetricsDependencies = Pick<EdgeDependencies, 'metrics' | 'logger' | 'now'>;

/** Stands behind the request's log, which makes the facts that it reads. What fails here is told to the log, once a minute. */
export function requestMetrics(deps: MetricsDependencies): MiddlewareHandler<EdgeEnv> {
  const report = reporter(deps);
  return async function countRequest(c, next) {
    const startedMs = deps.now();
    const counted = Promise.withResolvers<void>();
    // Said before the work, or workerd ends everything when the client leaves: no count, no line in the log.
    afterwards(c)(counted.promise);
    try {
      await next();
    } finally {
      counted.resolve(report(c, deps.now() - startedMs));
    }
  };
}

const LOG_EVERY_MS = 60_000;

function reporter({ metrics, logger, now }: MetricsDependencies) {
  let loggedMs = Number.NEGATIVE_INFINITY;
  return async function report(c: EdgeContext, durationMs: number): Promise<void> {
    try {
      await metrics.report(samplesOf(c, durationMs));
    } catch (error) {
      if (now() - loggedMs < LOG_EVERY_MS) return;
      loggedMs = now();
      logger('error', 'requests were not counted', { cause: String(error).slice(0, 500) });
    }
  };
}

function samplesOf(c: EdgeContext, durationMs: number): MetricSample[] {
  const route = routePath(c, -1);
  const { refusal, limited, tried = [] } = c.get('facts');
  const durationSeconds = Math.max(0, durationMs) / 1000;
  return [
    { metric: 'requests', labels: [route, String(c.res.status)], value: 1 },
    { metric: 'requestDuration', labels: [route], value: durationSeconds },
    ...(refusal === undefined ? [] : [count('refusals', [refusal])]),
    ...(limited === undefined ? [] : [count('limited', [limited])]),
    ...tried.map((attempt) => count('attempts', [attempt.backend, outcomeOf(attempt)])),
    ...audioOf(c),
    ...uploadOf(c),
  ];
}

function count(metric: 'refusals' | 'limited' | 'attempts', labels: string[]): MetricSample {
  return { metric, labels, value: 1 };
}

/** A breaker that let nobody through is no failure of its backend. */
function outcomeOf({ code, outcome }: Attempt): string {
  return code === 'circuit_open' ? code : outcome;
}

/** As the one who transcribed says it. */
function audioOf(c: EdgeContext): MetricSample[] {
  const seconds = Number(c.res.headers.get(AUDIO_SECONDS_HEADER) ?? Number.NaN);
  const { backend = 'unknown' } = c.get('facts');
  return c.res.ok && seconds >= 0
    ? [{ metric: 'audioSeconds', labels: [backend], value: seconds }]
    : [];
}

/** Of callers who were let in: what others announce is never read. */
function uploadOf(c: EdgeContext): MetricSample[] {
  if (c.req.method !== 'POST' || c.get('principal') === undefined) return [];
  const bytes = c.get('facts').uploadBytes ?? Number(c.req.header('Content-Length') ?? 0);
  return bytes > 0 ? [{ metric: 'uploadBytes', labels: [], value: bytes }] : [];
}
