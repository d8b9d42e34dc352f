/** What a caller is told when no backend may be asked. */
import type { SttError } from '#shared/errors.ts';
import type { ExclusionReason, RoutePlan } from '#shared/routing/choose-backends.ts';
import { describeEmptyPlan } from '#shared/routing/describe-route.ts';

/**
 * Where every backend that came into question cannot do what is asked, or must not, another request is needed; else
 * the service is to blame.
 */
export function toEmptyPlanError(plan: RoutePlan): SttError {
  const explanation = describeEmptyPlan(plan);
  const reasons = plan.excluded.map(({ reason }) => reason).filter((it) => !ELSEWHERE.has(it));
  if (reasons.length > 0 && reasons.every((reason) => OF_REQUEST.has(reason))) {
    return { kind: 'no_suitable_backend', explanation };
  }
  const mayComeBack = reasons.includes('circuit_open');
  return { kind: 'no_backend', explanation, retryAfterSeconds: mayComeBack ? RETRY_SECONDS : null };
}

/** The backend did not come into question at all. */
const ELSEWHERE: ReadonlySet<ExclusionReason> = new Set(['not_asked_for', 'unknown_model']);

const OF_REQUEST: ReadonlySet<ExclusionReason> = new Set([
  'hosted_not_allowed',
  'too_long',
  'too_large',
  'unsupported_language',
  'cannot_translate',
  'no_segment_times',
]);

/** About what a breaker's first cool-down takes. */
const RETRY_SECONDS = 10;
