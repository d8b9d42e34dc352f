/** One recording: a plan from what is asked and how the backends are, who are then asked in its order. */
import type { Asked, Backend, RoutedWork } from '#origin/backends/backend.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import type { SttError } from '#shared/errors.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { answerWarnings } from '#shared/routing/answer-warnings.ts';
import type { BreakerBoard } from '#shared/routing/breaker-board.ts';
import { chooseBackends, type RoutePlan } from '#shared/routing/choose-backends.ts';
import { describeLeftOut, routeHeaders } from '#shared/routing/describe-route.ts';
import { toEmptyPlanError } from '#shared/routing/empty-plan.ts';
import { explainFailedRoute } from '#shared/routing/failed-route.ts';
import { chooseMistralModel, toRouteRequest } from '#shared/routing/to-route-request.ts';
import { type Attempt, type TryFailure, tryInOrder } from '#shared/routing/try-in-order.ts';

export interface RouteTools {
  readonly backends: readonly Backend[];
  readonly breakers: BreakerBoard;
  /** Hosted backends may step in where they were not asked for. */
  readonly isFallbackEnabled: boolean;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  readonly onAttempt?: (attempt: Attempt) => void;
}

export interface RoutedOutcome {
  /** With the warnings of its way. */
  readonly result: Result<AnyTranscript, SttError>;
  /** Of the answer, whatever it is: who gave it, and who was asked. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tried: readonly Attempt[];
}

/** Settles only when nobody reads the recording any more. @throws what is a fault of the program */
export async function routeRecording(work: RoutedWork, tools: RouteTools): Promise<RoutedOutcome> {
  const { form, signal } = work;
  const { now, onAttempt } = tools;
  const plan = await makePlan(work, tools);
  if (plan.candidates.length === 0) {
    return { result: fail(toEmptyPlanError(plan)), headers: routeHeaders(plan, []), tried: [] };
  }
  const running: Promise<unknown>[] = [];
  try {
    const outcome = await tryInOrder(
      plan.candidates,
      (candidate, attemptSignal) => {
        const asked = ask(candidate.backend, work, attemptSignal, tools);
        running.push(asked);
        return asked;
      },
      { now, timeoutMs: TOTAL_LIMIT_MS, signal, ...(onAttempt !== undefined && { onAttempt }) },
    );
    const { tried } = outcome.ok ? outcome.value : outcome.error;
    const headers = routeHeaders(plan, tried);
    if (!outcome.ok) return { result: fail(explain(outcome.error, plan)), headers, tried };
    const { value, backend } = outcome.value;
    const mistralModel = chooseMistralModel(form.named, form.options);
    const warnings = answerWarnings({ plan, form, backend, tried, mistralModel });
    const told = { ...value, warnings: [...value.warnings, ...warnings] };
    return { result: ok(told), headers, tried };
  } finally {
    await Promise.allSettled(running);
  }
}

/** Each backend has limits of its own; this one ends what hangs in spite of them. */
const TOTAL_LIMIT_MS = 6 * 3600 * 1000;

async function makePlan(work: RoutedWork, tools: RouteTools): Promise<RoutePlan> {
  const { isFallbackEnabled } = tools;
  const views = await tools.breakers.look();
  const backends = await Promise.all(
    tools.backends.map(async (backend) => {
      const view = views.find((it) => it.backend === backend.id);
      const state = await backend.look(work);
      return { ...state, id: backend.id, isCircuitOpen: view?.isOpen ?? false };
    }),
  );
  return chooseBackends(toRouteRequest(work.form), { backends, isFallbackEnabled });
}

async function ask(id: string, work: RoutedWork, signal: AbortSignal, tools: RouteTools) {
  const { backends, breakers } = tools;
  const backend = backends.find((it) => it.id === id);
  if (backend === undefined) throw new TypeError(`routing chose "${id}", which is not there`);
  const { permit, retryAfterMs } = await breakers.admit(id);
  if (permit === null) return refused(id, retryAfterMs).result;
  let outcome: Asked['outcome'] = { kind: 'neutral' };
  try {
    const asked = await backend.ask(work, signal);
    // Whoever was cut off could not show how it is.
    if (!signal.aborted) outcome = asked.outcome;
    return asked.result;
  } finally {
    await breakers.report(id, permit, outcome);
  }
}

function refused(backend: string, retryAfterMs: number): Pick<Asked, 'result'> {
  const retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const explanation = `The backend "${backend}" failed too often just now.`;
  const error: SttError = { kind: 'no_backend', explanation, retryAfterSeconds };
  return { result: fail({ error, move: 'next', code: 'circuit_open', retryAfterSeconds }) };
}

/** Of the only one that was asked its own error; where it has none to tell, also why nobody else was. */
function explain(failure: TryFailure<SttError>, plan: RoutePlan): SttError {
  const why = explainFailedRoute(failure, TOTAL_LIMIT_MS);
  if ('ofRoute' in why) return why.ofRoute;
  const error = why.ofBackend;
  if (error.kind !== 'no_backend' || plan.excluded.length === 0) return error;
  return { ...error, explanation: `${error.explanation} ${describeLeftOut(plan)}` };
}
