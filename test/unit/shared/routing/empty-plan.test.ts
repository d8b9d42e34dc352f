import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseBackends, type ExclusionReason } from '#shared/routing/choose-backends.ts';
import { toEmptyPlanError } from '#shared/routing/empty-plan.ts';
import { anyRouteRequest, anyWorld } from '#test/support/any-routing.ts';

function errorFor(...reasons: ExclusionReason[]) {
  const excluded = reasons.map((reason, index) => ({ backend: `b${index}`, reason }));
  return toEmptyPlanError({ candidates: [], excluded });
}

describe('toEmptyPlanError', () => {
  it.each<[ExclusionReason[], string]>([
    [['not_asked_for', 'cannot_translate'], 'no_suitable_backend'],
    [['not_asked_for', 'hosted_not_allowed'], 'no_suitable_backend'],
    [['unknown_model', 'too_long'], 'no_suitable_backend'],
    [['circuit_open', 'cannot_translate'], 'no_backend'],
    [['circuit_open', 'hosted_not_allowed'], 'no_backend'],
    [['not_asked_for', 'not_configured'], 'no_backend'],
    [['fallback_disabled', 'circuit_open'], 'no_backend'],
    [[], 'no_backend'],
  ])('of %j is %s', (reasons, kind) => {
    expect(errorFor(...reasons).kind).toBe(kind);
  });

  it('says when to come back only where waiting helps', () => {
    expect(errorFor('circuit_open')).toMatchObject({ retryAfterSeconds: 10 });
    expect(errorFor('not_configured')).toMatchObject({ retryAfterSeconds: null });
  });

  it('names every backend and why, for any plan that is empty', () => {
    fc.assert(
      fc.property(anyRouteRequest, anyWorld, (request, world) => {
        const plan = chooseBackends(request, { ...world, isFallbackEnabled: false });
        fc.pre(plan.candidates.length === 0);
        const error = toEmptyPlanError(plan);
        const explanation = 'explanation' in error ? error.explanation : '';
        for (const { backend } of plan.excluded) expect(explanation).toContain(backend);
      }),
    );
  });
});
