import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseOrigins, findJobOrigin, type OriginState } from '#shared/routing/choose-origin.ts';

function origin(id: string, state: Partial<OriginState> = {}): OriginState {
  return {
    id,
    health: 'healthy',
    isDraining: false,
    freeCapacity: 1,
    queueLength: 0,
    ...state,
  };
}

const JOBS = Array.from({ length: 4000 }, (_, index) => `job-${index}`);

function shares(origins: readonly OriginState[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const job of JOBS) {
    const [first = 'none'] = chooseOrigins(job, origins);
    counts[first] = (counts[first] ?? 0) + 1 / JOBS.length;
  }
  return counts;
}

describe('chooseOrigins', () => {
  it('shares jobs by free capacity', () => {
    const counted = shares([origin('a', { freeCapacity: 3 }), origin('b', { freeCapacity: 1 })]);
    expect(counted['a']).toBeGreaterThan(0.72);
    expect(counted['a']).toBeLessThan(0.78);
  });

  it('gives the same job the same order, in whatever order the origins are listed', () => {
    const anyOrigin = fc.record<OriginState>({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      health: fc.constantFrom('healthy', 'degraded', 'down', 'unknown'),
      isDraining: fc.boolean(),
      freeCapacity: fc.constantFrom(null, 0, 1, 5),
      queueLength: fc.nat(9),
    });
    const origins = fc.uniqueArray(anyOrigin, { selector: ({ id }) => id });
    fc.assert(
      fc.property(fc.string(), origins, (job, list) => {
        const order = chooseOrigins(job, list);
        expect(chooseOrigins(job, list.toReversed())).toEqual(order);
        const open = list.filter(({ isDraining }) => !isDraining);
        expect(order.length).toBeGreaterThanOrEqual(Math.min(1, open.length));
        expect(order.every((id) => open.some((it) => it.id === id))).toBe(true);
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  it('moves only the jobs of an origin that leaves', () => {
    const three = [origin('a'), origin('b'), origin('c')];
    const two = three.slice(0, 2);
    const moved = JOBS.filter((job) => {
      const [before] = chooseOrigins(job, three);
      return before !== 'c' && before !== chooseOrigins(job, two)[0];
    });
    expect(moved).toEqual([]);
  });

  it('puts origins without room after those with room', () => {
    const busy = origin('busy', { freeCapacity: 0, queueLength: 2 });
    expect(shares([busy, origin('free')])).toEqual({ free: expect.closeTo(1) });
  });

  it('prefers short queues where nobody has room', () => {
    const long = origin('long', { freeCapacity: 0, queueLength: 9 });
    const short = origin('short', { freeCapacity: 0, queueLength: 0 });
    expect(shares([long, short])['short']).toBeGreaterThan(0.85);
  });

  it('gives no new job to an origin that is down or draining while another is there', () => {
    const origins = [
      origin('down', { health: 'down' }),
      origin('x', { isDraining: true }),
      origin('up'),
    ];
    expect(chooseOrigins('job', origins)).toEqual(['up']);
  });

  it('still tries what is reported down when nothing else is there, never what is drained', () => {
    const origins = [origin('down', { health: 'down' }), origin('x', { isDraining: true })];
    expect(chooseOrigins('job', origins)).toEqual(['down']);
  });
});

describe('findJobOrigin', () => {
  it('finds the origin that has the job, whatever its state', () => {
    const holder = origin('a', { health: 'down', isDraining: true, freeCapacity: 0 });
    expect(findJobOrigin('a', [origin('b'), holder])).toBe(holder);
  });

  it('is null when that origin is gone', () => {
    expect(findJobOrigin('a', [origin('b')])).toBeNull();
  });
});
