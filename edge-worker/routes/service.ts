/** `GET /`, `/health` and `/models`: what the service says about itself. */
import type { Handler } from 'hono';
import { readJson } from '#edge-worker/backends/read-json.ts';
import type { EdgeContext, EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { type MistralHealth, mergeHealth, mergeModels } from '#shared/contracts/edge-service.ts';
import { GATEWAY_PREFIX } from '#shared/contracts/gateway-path.ts';
import { type IndexResponse, ModelsResponse } from '#shared/contracts/service.ts';
import { SttException } from '#shared/errors.ts';
import { MISTRAL_MODELS } from '#shared/mistral/capabilities.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { MISTRAL_BACKEND } from '#shared/routing/backend-states.ts';

/** Lists the routes. */
export function indexRoute(routes: readonly string[]): Handler<EdgeEnv> {
  const index: IndexResponse = {
    service: 'mana-stt',
    routes: [...routes],
    also_under: [GATEWAY_PREFIX],
  };
  return (c) => c.json(index);
}

/** Always 200 while the Worker runs: `status` tells whether anything behind it is of use. */
export function healthRoute(
  deps: Pick<EdgeDependencies, 'watch' | 'mistral' | 'breakers' | 'now'>,
): Handler<EdgeEnv> {
  const ageOf = (atMs: number) => Math.max(0, Math.round((deps.now() - atMs) / 1000));
  return async (c) => {
    const [views, breakers] = await Promise.all([
      deps.watch.look(c.get('requestId')),
      deps.breakers.look(),
    ]);
    const seen = views.map(({ name, health, checkedAtMs }) => {
      return { name, health, ageSeconds: ageOf(checkedAtMs) };
    });
    const breaker = breakers.find(({ backend }) => backend === MISTRAL_BACKEND);
    const last = breaker?.last ?? null;
    const mistral: MistralHealth = {
      status: deps.mistral === null ? 'not_configured' : breaker?.isOpen ? 'failing' : 'available',
      last_outcome: last?.kind ?? null,
      age_seconds: last === null ? null : ageOf(last.atMs),
    };
    return c.json(mergeHealth(seen, mistral));
  };
}

/** What can be asked for, at any origin that answers and at Mistral. */
export function modelsRoute(deps: Pick<EdgeDependencies, 'origins' | 'mistral'>): Handler<EdgeEnv> {
  const hosted = deps.mistral === null ? [] : MISTRAL_MODELS.map(({ id }) => id);
  return async (c) => {
    const asked = await Promise.allSettled(deps.origins.map((origin) => askModels(c, origin)));
    const answers = asked.map((it) => (it.status === 'fulfilled' ? it.value : null));
    const found = answers.flatMap((answer) => (answer?.ok ? [answer.value] : []));
    if (found.length > 0) return c.json(mergeModels(found, hosted));
    const refusal = answers.find((answer) => answer?.ok === false);
    if (refusal?.ok === false) return refusal.error;
    throw asked.find((it) => it.status === 'rejected')?.reason;
  };
}

const MAX_ANSWER_BYTES = 256 * 1024;
const TIMEOUT_MS = 5000;

type Origin = EdgeDependencies['origins'][number];

/** Its models, or its refusal. @throws SttException backend_unavailable */
async function askModels(
  c: EdgeContext,
  origin: Origin,
): Promise<Result<ModelsResponse, Response>> {
  const answer = await origin.call({
    method: 'GET',
    path: '/models',
    headers: c.req.raw.headers,
    requestId: c.get('requestId'),
    principal: c.get('principal'),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) return fail(answer);
  const models = await readJson(answer, ModelsResponse, MAX_ANSWER_BYTES);
  if (models !== null) return ok(models);
  const { name: backend } = origin;
  throw new SttException({ kind: 'backend_unavailable', backend, problem: 'broken_answer' });
}
