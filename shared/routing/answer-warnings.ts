/** What an answer has to say of the way it was got, for edge and origin alike. */
import { MISTRAL_BACKEND } from '#shared/routing/backend-states.ts';
import type { RoutePlan } from '#shared/routing/choose-backends.ts';
import { routeWarnings } from '#shared/routing/describe-route.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

export interface AnsweredRequest {
  readonly plan: RoutePlan;
  readonly form: RoutedForm;
  /** Who answered. */
  readonly backend: string;
  readonly tried: readonly Attempt[];
  /** That would have answered at Mistral. */
  readonly mistralModel: { readonly id: string };
}

/** What Mistral cannot do, the transcript's own warnings say already, and better. */
export function answerWarnings(answered: AnsweredRequest): readonly string[] {
  const { plan, form, backend, tried, mistralModel } = answered;
  if (backend !== MISTRAL_BACKEND) return routeWarnings(plan, tried);
  const { named } = form;
  const isOther = named.kind === 'local_voxtral';
  const candidate = plan.candidates.find((it) => it.backend === backend);
  // Nobody asked for it, and nobody else was tried: the caller has to learn why the recording left our machines.
  const isUnasked = candidate?.why === 'suited' && tried.length === 1;
  return [
    ...(isUnasked ? [`Answered by mistral, a hosted service: ${UNASKED}.`] : []),
    ...routeWarnings({ candidates: [], excluded: [] }, tried),
    ...(isOther
      ? [`${named.name} was asked for and is not here; ${mistralModel.id} answered.`]
      : []),
  ];
}

const UNASKED = 'our own machines are down, busy, or failed too often just now';
