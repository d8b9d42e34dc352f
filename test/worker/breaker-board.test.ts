import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BreakerBoard } from '#edge-worker/durable-objects/breaker-board.ts';
import { BREAKER_IDLE_MS, MAX_BREAKERS } from '#shared/routing/breaker-table.ts';
import { DEFAULT_BREAKER_OPTIONS } from '#shared/routing/circuit-breaker.ts';

const START_MS = Date.UTC(2026, 10, 25, 12);
const { failureThreshold, coolDownMs, maxCoolDownMs } = DEFAULT_BREAKER_OPTIONS;

let boards = 0;
function openBoard(): DurableObjectStub<BreakerBoard> {
  boards += 1;
  return env.BREAKERS.get(env.BREAKERS.idFromName(`breakers-${boards}`));
}

async function breakDown(board: DurableObjectStub<BreakerBoard>, backend: string): Promise<void> {
  for (let turn = 0; turn < failureThreshold; turn += 1) {
    const { permit } = await board.admit(backend);
    await board.report(backend, permit ?? -1, { kind: 'failure' });
  }
}

async function rowsOf(board: DurableObjectStub<BreakerBoard>): Promise<Record<string, unknown>[]> {
  return await runInDurableObject(board, (_instance, { storage }) =>
    storage.sql.exec('SELECT backend, json FROM breaker').toArray(),
  );
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('BreakerBoard', () => {
  it('lets exactly one of 200 requests at once be the probe', async () => {
    const board = openBoard();
    await breakDown(board, 'mistral');
    vi.setSystemTime(START_MS + coolDownMs);
    const asked = await Promise.all(Array.from({ length: 200 }, () => board.admit('mistral')));
    expect(asked.filter(({ permit }) => permit !== null)).toHaveLength(1);
    expect(asked.filter(({ retryAfterMs }) => retryAfterMs > 0)).toHaveLength(199);
  });

  it('closes again for everyone when the probe went well', async () => {
    const board = openBoard();
    await breakDown(board, 'mistral');
    vi.setSystemTime(START_MS + coolDownMs);
    const { permit } = await board.admit('mistral');
    await board.report('mistral', permit ?? -1, { kind: 'success' });
    const asked = await Promise.all(Array.from({ length: 20 }, () => board.admit('mistral')));
    expect(asked.every((it) => it.permit !== null)).toBe(true);
  });

  it('stays open over an eviction', async () => {
    const board = openBoard();
    await breakDown(board, 'mistral');
    const before = await board.look();
    await evictDurableObject(board);
    expect(await board.look()).toEqual(before);
    expect(before).toMatchObject([{ backend: 'mistral', state: 'open', isOpen: true }]);
  });

  it('keeps the probe that is out over an eviction', async () => {
    const board = openBoard();
    await breakDown(board, 'mistral');
    vi.setSystemTime(START_MS + coolDownMs);
    const { permit } = await board.admit('mistral');
    await evictDurableObject(board);
    expect((await board.admit('mistral')).permit).toBeNull();
    await board.report('mistral', permit ?? -1, { kind: 'success' });
    expect(await board.look()).toMatchObject([{ state: 'closed' }]);
  });

  it('stores nothing for each request of a healthy backend', async () => {
    const board = openBoard();
    const { permit } = await board.admit('mistral');
    await board.report('mistral', permit ?? -1, { kind: 'success' });
    const before = await rowsOf(board);
    vi.setSystemTime(START_MS + 59_000);
    await board.admit('mistral');
    await board.report('mistral', permit ?? -1, { kind: 'success' });
    expect(await rowsOf(board)).toEqual(before);
    vi.setSystemTime(START_MS + 60_000);
    await board.admit('mistral');
    expect(await rowsOf(board)).not.toEqual(before);
  });

  it('refuses a name that no backend can have', async () => {
    const board = openBoard();
    // Caught inside: a rejection that crosses the RPC is also told to the test's own process.
    const fault = await runInDurableObject(board, async (instance: BreakerBoard) => {
      return await instance.admit('../etc').catch((error: unknown) => error);
    });
    expect(fault).toBeInstanceOf(TypeError);
    expect(await board.look()).toEqual([]);
  });

  it('has room for 50 backends, stored too', async () => {
    const board = openBoard();
    for (let index = 0; index < MAX_BREAKERS + 10; index += 1) {
      vi.setSystemTime(START_MS + index);
      await board.admit(`backend-${index}`);
    }
    expect(await rowsOf(board)).toHaveLength(MAX_BREAKERS);
    await evictDurableObject(board);
    expect(await board.look()).toHaveLength(MAX_BREAKERS);
  });

  it('forgets what nobody asked for a day, and gives its storage back with the last', async () => {
    const board = openBoard();
    await board.admit('old');
    vi.setSystemTime(START_MS + BREAKER_IDLE_MS / 2);
    await board.admit('new');
    vi.setSystemTime(START_MS + BREAKER_IDLE_MS);
    expect(await runDurableObjectAlarm(board)).toBe(true);
    expect(await board.look()).toMatchObject([{ backend: 'new' }]);
    vi.setSystemTime(START_MS + 2 * BREAKER_IDLE_MS);
    expect(await runDurableObjectAlarm(board)).toBe(true);
    const left = await runInDurableObject(board, async (_instance, { storage }) => ({
      tables: storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'breaker'").toArray(),
      alarm: await storage.getAlarm(),
    }));
    expect(left).toEqual({ tables: [], alarm: null });
    expect((await board.admit('old')).permit).not.toBeNull();
  });

  it('takes a stored entry that it cannot read for none', async () => {
    const board = openBoard();
    await breakDown(board, 'mistral');
    await runInDurableObject(board, (_instance, { storage }) => {
      storage.sql.exec(`UPDATE breaker SET json = '{"breaker":{"kind":"melted"}}'`);
    });
    await evictDurableObject(board);
    expect((await board.admit('mistral')).permit).not.toBeNull();
  });

  it('is never open for longer than the longest cool-down, whatever the clock did', async () => {
    const board = openBoard();
    await breakDown(board, 'mistral');
    vi.setSystemTime(START_MS - 86_400_000);
    const { retryAfterMs } = await board.admit('mistral');
    expect(retryAfterMs).toBeLessThanOrEqual(maxCoolDownMs);
  });
});
