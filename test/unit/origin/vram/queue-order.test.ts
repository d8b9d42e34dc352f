import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Waiting } from '#origin/vram/lease.ts';
import { inOrder, isDue } from '#origin/vram/queue-order.ts';
import { newDemand } from '#test/support/new-lease.ts';

const RULES = { maxOvertaken: 3, dueMs: 10_000 };

function waiting(
  sequence: number,
  given: { owner?: string; priority?: number; overtaken?: number; sinceMs?: number } = {},
): Waiting {
  const { owner = 'tts', priority = 5, overtaken = 0, sinceMs = 0 } = given;
  const demand = newDemand({ owner, priority });
  return { id: String(sequence), demand, sinceMs, deadlineMs: 1e9, sequence, overtaken };
}

const order = (queue: readonly Waiting[], nowMs = 0) =>
  inOrder(queue, RULES, nowMs).map(({ id }) => Number(id));

describe('inOrder', () => {
  it('serves the higher priority first, then the older', () => {
    expect(order([waiting(1), waiting(2, { priority: 6 }), waiting(3)])).toEqual([2, 1, 3]);
  });

  it('gives each owner its turn among equals', () => {
    const queue = [waiting(1), waiting(2), waiting(3), waiting(4, { owner: 'image' })];
    expect(order(queue)).toEqual([1, 4, 2, 3]);
  });

  it('puts who was overtaken too often before any priority', () => {
    const queue = [waiting(1, { overtaken: 3, priority: 0 }), waiting(2, { priority: 9 })];
    expect(order(queue)).toEqual([1, 2]);
  });

  it('puts who waits too long before any priority, the oldest first', () => {
    const queue = [
      waiting(1),
      waiting(2, { priority: 9 }),
      waiting(3, { priority: 9, sinceMs: 9000 }),
    ];
    expect(order(queue, 10_000)).toEqual([1, 2, 3]);
  });

  it('neither loses nor doubles anyone', () => {
    const any = fc.record({
      owner: fc.constantFrom('a', 'b'),
      priority: fc.nat(9),
      overtaken: fc.nat(4),
      sinceMs: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), (given) => {
        const queue = given.map((it, index) => waiting(index, it));
        expect(order(queue, 20_000).sort((a, b) => a - b)).toEqual(given.map((_, index) => index));
      }),
    );
  });
});

describe('isDue', () => {
  it('comes with being overtaken or with time', () => {
    expect(isDue(waiting(1, { overtaken: 2 }), RULES, 9999)).toBe(false);
    expect(isDue(waiting(1, { overtaken: 3 }), RULES, 0)).toBe(true);
    expect(isDue(waiting(1), RULES, 10_000)).toBe(true);
  });
});
