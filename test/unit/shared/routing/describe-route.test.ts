import { describe, expect, it } from 'vitest';
import type { RoutePlan } from '#shared/routing/choose-backends.ts';
import { describeEmptyPlan, routeHeaders, routeWarnings } from '#shared/routing/describe-route.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

const PLAN: RoutePlan = {
  candidates: [
    {
      backend: 'mistral',
      isHosted: true,
      why: 'suited',
      lacks: ['prompt'],
      isLanguageForeign: true,
      expectedWaitSeconds: 0,
    },
  ],
  excluded: [{ backend: 'voxtral', reason: 'not_configured' }],
};
const TRIED: Attempt[] = [
  { backend: 'whisperx', code: 'engine_unavailable', outcome: 'next', tookMs: 12 },
  { backend: 'mistral', code: 'ok', outcome: 'ok', tookMs: 800 },
];

describe('routeHeaders', () => {
  it('names who answered, who was tried and who was left out', () => {
    expect(routeHeaders(PLAN, TRIED)).toEqual({
      'x-mana-backend': 'mistral',
      'x-mana-route': 'whisperx=engine_unavailable, mistral=ok; voxtral=not_configured',
    });
  });

  it('names nobody when nobody answered', () => {
    expect(routeHeaders({ candidates: [], excluded: [] }, [])).toEqual({ 'x-mana-route': 'none' });
  });

  it('stays one plain line, whatever the names hold', () => {
    const evil: Attempt[] = [
      { backend: 'a\r\nSet-Cookie: x', code: 'ö, b=ok', outcome: 'next', tookMs: 0 },
    ];
    expect(routeHeaders(PLAN, evil)['x-mana-route']).toMatch(/^[\x20-\x7e]+$/);
    expect(routeHeaders(PLAN, evil)['x-mana-route']).not.toContain('Set-Cookie:');
  });
});

describe('routeWarnings', () => {
  it('says what failed before, what is lacking and that the language is foreign', () => {
    expect(routeWarnings(PLAN, TRIED)).toEqual([
      'Answered by mistral, after whisperx (engine_unavailable) failed.',
      'mistral cannot give weight to a prompt.',
      'mistral was not made for this language.',
    ]);
  });

  it('says nothing when nobody answered', () => {
    expect(routeWarnings(PLAN, [])).toEqual([]);
  });
});

describe('describeEmptyPlan', () => {
  it('gives the reason of every backend', () => {
    const excluded = [
      { backend: 'mistral', reason: 'hosted_not_allowed' },
      { backend: 'whisperx', reason: 'circuit_open' },
    ] as const;
    expect(describeEmptyPlan({ candidates: [], excluded })).toBe(
      'No backend can answer this request: mistral is hosted by others, which the request forbids, whisperx failed too often just now.',
    );
  });
});
