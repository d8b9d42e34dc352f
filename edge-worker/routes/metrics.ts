/** `GET /metrics` for Prometheus: what the whole edge counted, and how its origins and breakers are now. */
import type { Handler } from 'hono';
import type { EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { collectFamilies, type OriginGauges } from '#edge-worker/metrics/collect-families.ts';
import {
  PROMETHEUS_CONTENT_TYPE,
  renderPrometheus,
} from '#edge-worker/metrics/render-prometheus.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { SttException } from '#shared/errors.ts';

type PageDependencies = Pick<EdgeDependencies, 'watch' | 'breakers' | 'metrics' | 'version'>;

/** Makes the handler; it stands behind authentication. */
export function metricsRoute(deps: PageDependencies): Handler<EdgeEnv> {
  return async function metrics(c) {
    refuseOthers(c.get('principal'));
    const [counted, breakers, origins] = await Promise.all([
      deps.metrics.read(),
      deps.breakers.look(),
      lookAtOrigins(deps.watch, c.get('requestId')),
    ]);
    const { version } = deps;
    const text = renderPrometheus(collectFamilies({ counted, origins, breakers, version }));
    return c.body(text, 200, { 'Content-Type': PROMETHEUS_CONTENT_TYPE });
  };
}

/** @throws SttException unauthenticated for nobody, forbidden for someone else */
function refuseOthers({ kind }: Principal): void {
  if (kind === 'internal') return;
  if (kind === 'anonymous') throw new SttException({ kind: 'unauthenticated' });
  throw new SttException({ kind: 'forbidden', wanted: 'the internal key' });
}

/** By the load that came with the latest answer, else by `/health`. */
async function lookAtOrigins(
  watch: EdgeDependencies['watch'],
  requestId: string,
): Promise<OriginGauges[]> {
  const views = await watch.look(requestId);
  return views.map(({ name, health }) => {
    if (health === null) return { name, isUp: false, freeSlots: 0, waiting: 0 };
    const { load } = watch.glance(name);
    return {
      name,
      isUp: true,
      freeSlots: load?.freeSlots ?? health.free_slots ?? 0,
      waiting: load?.waiting ?? health.queue_waiting + (health.jobs_waiting ?? 0),
    };
  });
}
