/**
 * `POST /transcribe/auto` and `/transcribe/voxtral`: the form is stored, read, and answered by the best backend that it
 * allows, or by the next one. How they are chosen: shared/routing.
 */
import type { Handler } from 'hono';
import { toRoutingWorld } from '#edge-worker/backends/routing-world.ts';
import type { EdgeContext, EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { afterwards } from '#edge-worker/routes/afterwards.ts';
import {
  type AskedWork,
  type BackendAnswer,
  type BackendFailure,
  backendAsker,
} from '#edge-worker/routes/ask-backends.ts';
import { sendError } from '#edge-worker/routes/on-error.ts';
import { toFailure, toResponse } from '#edge-worker/routes/routed-answer.ts';
import { readRoutedForm, receiveForm } from '#edge-worker/routes/routed-form.ts';
import type { StoredForm } from '#edge-worker/upload/store-form.ts';
import type { MistralModel } from '#shared/mistral/capabilities.ts';
import type { Result } from '#shared/result.ts';
import { answerWarnings } from '#shared/routing/answer-warnings.ts';
import { VOXTRAL_BACKEND } from '#shared/routing/backend-states.ts';
import { chooseBackends, type RoutePlan } from '#shared/routing/choose-backends.ts';
import { routeHeaders } from '#shared/routing/describe-route.ts';
import { toEmptyPlanError } from '#shared/routing/empty-plan.ts';
import {
  chooseMistralModel,
  type RoutedForm,
  toRouteRequest,
} from '#shared/routing/to-route-request.ts';
import {
  type Answered,
  type Attempt,
  type TryFailure,
  tryInOrder,
} from '#shared/routing/try-in-order.ts';

export type RoutedDependencies = Pick<
  EdgeDependencies,
  'pool' | 'mistral' | 'breakers' | 'uploads' | 'originPatienceMs' | 'isFallbackEnabled' | 'now'
>;

/** Makes the handler of one of the two. */
export function routedRoute(
  deps: RoutedDependencies,
  route: RoutedForm['route'],
): Handler<EdgeEnv> {
  return function transcribeRouted(c) {
    const answer = transcribe(c, deps, route);
    // When the client leaves, the stored body still has to be removed and the breaker told.
    afterwards(c)(answer);
    return answer;
  };
}

/** A request on its way. */
interface Work {
  readonly c: EdgeContext;
  readonly deps: RoutedDependencies;
  readonly stored: StoredForm;
  readonly form: RoutedForm;
  readonly plan: RoutePlan;
  readonly model: MistralModel;
  readonly startedMs: number;
  /** By backend: which of its machines were asked. */
  readonly machines: Map<string, readonly Attempt[]>;
}

async function transcribe(
  c: EdgeContext,
  deps: RoutedDependencies,
  route: RoutedForm['route'],
): Promise<Response> {
  const startedMs = deps.now();
  const stored = await receiveForm(c, deps);
  try {
    c.get('facts').uploadBytes = stored.body.sizeBytes;
    const form = readRoutedForm(stored.facts, route);
    const model = chooseMistralModel(form.named, form.options);
    const plan = await makePlan(c, deps, { form, model });
    const work = { c, deps, stored, form, plan, model, startedMs, machines: new Map() };
    if (plan.candidates.length === 0) {
      tell(work, []);
      return sendError(toEmptyPlanError(plan), c);
    }
    return await send(work, await askInOrder(work));
  } finally {
    afterwards(c)(stored.body.remove());
  }
}

/** After the upload, which may take minutes: what is decided on is as it is now. */
async function makePlan(
  c: EdgeContext,
  { pool, breakers, mistral, isFallbackEnabled }: RoutedDependencies,
  { form, model }: { readonly form: RoutedForm; readonly model: MistralModel },
): Promise<RoutePlan> {
  const [origins, views] = await Promise.all([pool.look(c.get('requestId')), breakers.look()]);
  const world = toRoutingWorld({
    origins,
    breakers: views,
    isMistralConfigured: mistral !== null,
    isFallbackEnabled,
    named: form.named,
    mistralModel: model,
  });
  return chooseBackends(toRouteRequest(form), world);
}

type Outcome = Result<Answered<BackendAnswer>, TryFailure<BackendFailure>>;

function askInOrder(work: Work): Promise<Outcome> {
  const { c, deps, plan, machines } = work;
  const ask = backendAsker(toAskedWork(work), {
    pool: deps.pool,
    mistral: deps.mistral,
    breakers: deps.breakers,
    afterwards: afterwards(c),
    onMachines: (backend, tried) => machines.set(backend, tried),
  });
  const { signal } = c.req.raw;
  return tryInOrder(plan.candidates, ask, { now: deps.now, timeoutMs: TOTAL_LIMIT_MS, signal });
}

/** Each backend has limits of its own; this one ends what hangs in spite of them. */
const TOTAL_LIMIT_MS = 6 * 3600 * 1000;

function toAskedWork(work: Work): AskedWork {
  const { c, deps, stored, form, plan, model } = work;
  const { body } = stored;
  const requestId = c.get('requestId');
  const contentType = c.req.header('Content-Type') ?? '';
  return {
    forOrigins: (backend, signal) => ({
      body: { contentType, sizeBytes: body.sizeBytes, open: () => body.open(), fault: () => null },
      ...{ headers: c.req.raw.headers, requestId, principal: c.get('principal'), signal },
      patienceMs: plan.candidates.at(-1)?.backend === backend ? deps.originPatienceMs : 0,
      ...(backend === VOXTRAL_BACKEND && { route: 'voxtral' as const }),
      afterwards: afterwards(c),
    }),
    forMistral: (signal) => ({
      ...{ form: stored, contentType, limits: deps.uploads.limits, options: form.options, model },
      isModelNamed: form.named.kind === 'hosted',
      needsSegmentTimes: toRouteRequest(form).features.includes('segment_times'),
      assumedLanguage: form.route === 'voxtral' ? LANGUAGE_OF_OLD : null,
      ...{ requestId, signal },
    }),
  };
}

/** What an absent `language` meant on `/transcribe/voxtral` before. */
const LANGUAGE_OF_OLD = 'de';

async function send(work: Work, outcome: Outcome): Promise<Response> {
  const { c, deps, form, startedMs } = work;
  const { tried } = outcome.ok ? outcome.value : outcome.error;
  tell(work, tried);
  if (outcome.ok) {
    const context = { requestId: c.get('requestId'), latencyMs: deps.now() - startedMs };
    const { backend } = outcome.value;
    const { model: mistralModel } = work;
    // What our own Voxtral cannot do, the origin's answer says already.
    const plan = backend === VOXTRAL_BACKEND ? { candidates: [], excluded: [] } : work.plan;
    const warnings = answerWarnings({ plan, form, backend, tried, mistralModel });
    const answer = await toResponse(outcome.value.value, warnings, form, context);
    return c.newResponse(answer.body, answer);
  }
  const { error, response } = toFailure(outcome.error, TOTAL_LIMIT_MS);
  return response === null ? sendError(error, c) : c.newResponse(response.body, response);
}

/** For the caller's headers and the request's line in the log. */
function tell({ c, plan, machines }: Work, tried: readonly Attempt[]): void {
  const all = tried.flatMap((attempt) => {
    const asked = machines.get(attempt.backend) ?? [];
    return asked.length === 0 ? [attempt] : asked;
  });
  const backend = tried.at(-1)?.backend;
  Object.assign(c.get('facts'), { tried: all, ...(backend !== undefined && { backend }) });
  const headers = Object.entries(routeHeaders(plan, all));
  for (const [name, value] of headers) c.header(name, value);
}
