import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const LIMIT = { requests: 50, windowSeconds: 60 };
const START_MS = Date.UTC(2026, 10, 25, 12);

let principals = 0;
function limiter() {
  principals += 1;
  const id = env.RATE_LIMITER.idFromName(`key:app${principals}`);
  return env.RATE_LIMITER.get(id);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('RateLimiter', () => {
  it('lets exactly the limit pass of 200 requests at once', async () => {
    const stub = limiter();
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => stub.take(LIMIT)));
    expect(outcomes.filter(({ isAllowed }) => isAllowed)).toHaveLength(50);
    const left = outcomes.filter(({ isAllowed }) => isAllowed).map(({ remaining }) => remaining);
    expect(new Set(left).size).toBe(50);
  });

  it('gives nobody a new limit by an eviction', async () => {
    const stub = limiter();
    await Promise.all(Array.from({ length: 50 }, () => stub.take(LIMIT)));
    await evictDurableObject(stub);
    expect(await stub.take(LIMIT)).toMatchObject({ isAllowed: false, remaining: 0 });
  });

  it('opens again when the window is over', async () => {
    const stub = limiter();
    await Promise.all(Array.from({ length: 50 }, () => stub.take(LIMIT)));
    vi.setSystemTime(START_MS + 59_999);
    expect((await stub.take(LIMIT)).isAllowed).toBe(false);
    vi.setSystemTime(START_MS + 60_000);
    expect((await stub.take(LIMIT)).isAllowed).toBe(true);
  });

  it('keeps principals apart, and a look costs nothing', async () => {
    const one = limiter();
    await one.take(LIMIT);
    expect(await one.peek(LIMIT)).toMatchObject({ remaining: 49 });
    expect(await one.peek(LIMIT)).toMatchObject({ remaining: 49 });
    expect(await limiter().peek(LIMIT)).toMatchObject({ remaining: 50 });
  });

  it("counts the day's audio", async () => {
    const stub = limiter();
    await stub.chargeAudio(90);
    await stub.chargeAudio(10.5);
    expect(await stub.checkAudio(101)).toMatchObject({ isAllowed: true, remainingSeconds: 0.5 });
    expect(await stub.checkAudio(100)).toMatchObject({ isAllowed: false });
    await evictDurableObject(stub);
    expect(await stub.checkAudio(100)).toMatchObject({ isAllowed: false });
    vi.setSystemTime(START_MS + 12 * 3_600_000);
    expect(await stub.checkAudio(100)).toMatchObject({ isAllowed: true, usedSeconds: 0 });
  });

  it('gives its storage back once nothing counts any more, not before', async () => {
    const stub = limiter();
    await stub.take(LIMIT);
    await stub.chargeAudio(5);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await stub.peek(LIMIT)).toMatchObject({ remaining: 49 });
    vi.setSystemTime(START_MS + 12 * 3_600_000);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const left = await runInDurableObject(stub, async (_instance, { storage }) => ({
      tables: storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'state'").toArray(),
      alarm: await storage.getAlarm(),
    }));
    expect(left).toEqual({ tables: [], alarm: null });
    expect(await stub.take(LIMIT)).toMatchObject({ isAllowed: true, remaining: 49 });
  });
});
