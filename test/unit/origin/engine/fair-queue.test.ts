import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue, type Queued } from '#origin/engine/fair-queue.ts';

const AGE_SECONDS = 10;

function queueAt(startMs = 0) {
  const time = { nowMs: startMs };
  const queue = new FairQueue<Queued>({
    agePromotionSeconds: AGE_SECONDS,
    now: () => time.nowMs,
  });
  let order = 0;
  const add = (name: string | symbol, remaining: number): Queued => {
    const owner = typeof name === 'symbol' ? name : Symbol.for(name);
    const context = { owner, remainingSeconds: () => remaining };
    const item = { order: order++, arrivedAt: time.nowMs, context };
    queue.add(item);
    return item;
  };
  return { time, queue, add };
}

const arrivals = fc.array(
  fc.record({
    request: fc.integer({ min: 0, max: 5 }),
    remaining: fc.integer({ min: 0, max: 4000 }),
    waitMs: fc.integer({ min: 0, max: 5000 }),
  }),
  { minLength: 1, maxLength: 30 },
);

describe('FairQueue', () => {
  it('gives every item once, in any state', () => {
    fc.assert(
      fc.property(arrivals, (list) => {
        const { time, queue, add } = queueAt();
        const items = list.map(({ request, remaining, waitMs }) => {
          time.nowMs += waitMs;
          return add(`${request}`, remaining);
        });
        expect(new Set(queue.inOrder())).toEqual(new Set(items));
        expect(queue.inOrder()).toHaveLength(items.length);
      }),
    );
  });

  it('puts the request with the least audio ahead first while nobody is over age', () => {
    fc.assert(
      fc.property(arrivals, (list) => {
        const { queue, add } = queueAt();
        const ahead = new Map<number, number>();
        for (const { request, remaining } of list) {
          if (!ahead.has(request)) ahead.set(request, remaining);
          add(`${request}`, ahead.get(request) ?? 0);
        }
        const keys = queue.inOrder().map((item) => [item.context.remainingSeconds(), item.order]);
        const sorted = keys.toSorted(([a = 0, x = 0], [b = 0, y = 0]) => a - b || x - y);
        expect(keys).toEqual(sorted);
      }),
    );
  });

  it('serves every request within the age limit and two turns for each request', () => {
    const requests = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(requests, fc.integer({ min: 100, max: 3000 }), (remainings, turnMs) => {
        const { time, queue, add } = queueAt();
        const lastServed = new Map(remainings.map((_, index) => [Symbol.for(`${index}`), 0]));
        const longest = AGE_SECONDS * 1000 + (2 * remainings.length + 1) * turnMs;
        for (const [index, remaining] of remainings.entries()) add(`${index}`, remaining);
        for (let turn = 0; turn < 60; turn += 1) {
          const [head] = queue.inOrder();
          if (head === undefined) return;
          const { owner, remainingSeconds } = head.context;
          queue.tookTurn();
          time.nowMs += turnMs;
          add(owner, remainingSeconds());
          queue.remove(head);
          queue.served(owner);
          expect(time.nowMs - (lastServed.get(owner) ?? 0)).toBeLessThanOrEqual(longest);
          lastServed.set(owner, time.nowMs);
        }
        for (const at of lastServed.values()) expect(time.nowMs - at).toBeLessThanOrEqual(longest);
      }),
    );
  });

  it('lets a short request wait for one turn at most, however many are over age', () => {
    const { time, queue, add } = queueAt();
    for (let index = 0; index < 20; index += 1) add(`long ${index}`, 3600);
    time.nowMs = 60_000;
    const short = add('short', 5);
    expect(queue.inOrder()[0]).not.toBe(short);
    queue.tookTurn();
    expect(queue.inOrder()[0]).toBe(short);
  });

  it('counts the waiting of a request from when it was last served', () => {
    const { time, queue, add } = queueAt();
    const first = add('long', 3600);
    add('long', 3600);
    time.nowMs = 60_000;
    queue.remove(first);
    queue.served(Symbol.for('long'));
    const short = add('short', 5);
    expect(queue.inOrder()[0]).toBe(short);
  });
});
