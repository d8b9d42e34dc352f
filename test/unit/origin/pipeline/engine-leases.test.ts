import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineUse } from '#origin/pipeline/engine-leases.ts';
import { SttException } from '#shared/errors.ts';
import { type LeasedEngine, leasedEngine } from '#test/support/leased-engine.ts';
import { newCard, newDemand } from '#test/support/new-lease.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { type VramWorld, vramWorld } from '#test/support/vram-world.ts';

const makeDir = useTempDirs();
/** 9,000 MiB can be leased. */
const SIZES = {
  base: 4000,
  'cpu-base': 500,
  small: 6000,
  huge: 9500,
  aligner: 1000,
  segmentation: 100,
};
let world: VramWorld;
let engine: LeasedEngine;

beforeEach(() => {
  world = vramWorld(join(makeDir(), 'leases.sqlite'));
  world.devices = [newCard('ram', 0)];
  engine = leasedEngine(world, SIZES);
});

afterEach(() => world.manager.close());

const leases = async () => (await world.manager.status()).leases;
const models = async () => (await leases()).map(({ model }) => model);

/** What came of it, once the clock has gone on. */
async function within(seconds: number, work: Promise<unknown>): Promise<string> {
  let outcome = 'waits';
  work.then(
    () => {
      outcome = 'inside';
    },
    (error: unknown) => {
      outcome = error instanceof SttException ? error.error.kind : String(error);
    },
  );
  await world.pass(seconds);
  return outcome;
}

async function enter(...wanted: string[]): Promise<EngineUse> {
  const entering = engine.use(wanted);
  expect(await within(3, entering)).toBe('inside');
  return entering;
}

/** A request from begin to end. */
async function work(model: string, rssMib: number): Promise<void> {
  const use = await enter(model);
  engine.answer(model, rssMib);
  use[Symbol.dispose]();
}

describe('EngineLeases.use', () => {
  it('leases each model before anybody is inside, and keeps it idle afterwards', async () => {
    const use = await enter('base', 'segmentation');
    expect(await leases()).toMatchObject([
      { owner: 'mana-stt', model: 'base', mib: 4000, isInUse: true, isLocal: true, device: 'ram' },
      { model: 'segmentation', mib: 100, isInUse: true },
    ]);
    engine.answer('base', 900);
    use[Symbol.dispose]();
    expect(await leases()).toMatchObject([{ isInUse: false, expiresMs: null }, { isInUse: false }]);
  });

  it('shares the leases among all requests inside', async () => {
    const [first, second] = [await enter('base'), await enter('base')];
    engine.answer('base', 900);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(await leases()).toMatchObject([{ model: 'base', isInUse: true }]);
    second[Symbol.dispose]();
    expect(await leases()).toMatchObject([{ model: 'base', isInUse: false }]);
  });

  it('leases nothing for a model that takes nothing of the device', async () => {
    await enter('elsewhere');
    expect(await leases()).toEqual([]);
  });

  it('leases nothing where the card is gone: the engine falls back on the CPU', async () => {
    world.devices = [{ ...newCard('b', 0), index: 1 }];
    await enter('base');
    expect(await leases()).toEqual([]);
  });

  it('ends the idle engine for another model of its own', async () => {
    await work('base', 4000);
    await enter('small', 'segmentation');
    expect(engine.unloads).toBe(1);
    expect(await models()).toEqual(['small', 'segmentation']);
  });

  it('ends no engine in which somebody is, however long, and says why it waits no longer', async () => {
    const first = await enter('base');
    engine.answer('base', 4000);
    const second = engine.use(['small']);
    expect(await within(58, second)).toBe('waits');
    expect(await within(10, second)).toBe('no_memory_for_model');
    await expect(second).rejects.toMatchObject({
      error: { model: 'small', neededMib: 6000, isTooLarge: false, retryAfterSeconds: 10 },
    });
    expect(engine.unloads).toBe(0);
    expect(await models()).toEqual(['base']);
    first[Symbol.dispose]();
  });

  it('lets the next one in once the engine is empty', async () => {
    const first = await enter('base');
    engine.answer('base', 4000);
    const second = engine.use(['small']);
    expect(await within(5, second)).toBe('waits');
    first[Symbol.dispose]();
    expect(await within(5, second)).toBe('inside');
    expect(engine.unloads).toBe(1);
  });

  it('lets requests for loaded models pass one that waits for memory, but not for long', async () => {
    const first = await enter('base');
    engine.answer('base', 4000);
    const second = engine.use(['small']);
    await world.pass(5);
    const third = await enter('base');
    await world.pass(10);
    const fourth = engine.use(['base']);
    expect(await within(5, fourth)).toBe('waits');
    first[Symbol.dispose]();
    third[Symbol.dispose]();
    expect(await within(5, second)).toBe('inside');
    expect(await within(1, fourth)).toBe('waits');
    (await second)[Symbol.dispose]();
    expect(await within(5, fourth)).toBe('inside');
    expect(await models()).toEqual(['base']);
  });

  it('refuses at once what would not fit if everybody left, and holds nothing then', async () => {
    expect(await within(1, engine.use(['base', 'huge']))).toBe('no_memory_for_model');
    await expect(engine.use(['huge'])).rejects.toMatchObject({
      error: { neededMib: 9500, roomMib: 9000, isTooLarge: true },
    });
    expect(await leases()).toEqual([]);
  });

  it('names nobody else to the caller, and all of them to the log', async () => {
    await world.manager.acquire(newDemand({ mib: 8000, ttlMs: 120_000 }), { waitMs: 0 });
    const refused = engine.use(['base']);
    expect(await within(63, refused)).toBe('no_memory_for_model');
    await expect(refused).rejects.not.toThrow('tts');
    expect(world.log.at(-1)).toMatchObject({ msg: 'no memory for a model', model: 'base' });
    expect(String(world.log.at(-1)?.['why'])).toContain('tts/f5');
  });

  it('refuses while memory cannot be read', async () => {
    world.failure = { problem: 'timeout', limitMs: 5000 };
    expect(await within(1, engine.use(['base']))).toBe('device_unreadable');
  });

  it('asks nobody about a model that runs on the CPU, where GPUs are shared out', async () => {
    world.devices = [newCard('gpu', 0)];
    (await enter('base', 'cpu-base'))[Symbol.dispose]();
    world.failure = { problem: 'timeout', limitMs: 5000 };
    await enter('cpu-base');
    expect(await models()).toEqual([]);
  });

  it('lets in what runs on the CPU where GPUs could never be read', async () => {
    world.failure = { problem: 'timeout', limitMs: 5000 };
    await enter('cpu-base');
    expect(await within(1, engine.use(['base']))).toBe('device_unreadable');
  });

  it('forgets a caller that leaves while it waits', async () => {
    await world.manager.acquire(newDemand({ device: 'ram', mib: 8000 }), { waitMs: 0 });
    const leave = new AbortController();
    const waiting = engine.use(['base'], leave.signal);
    const behind = engine.use(['segmentation']);
    expect(await within(2, waiting)).toBe('waits');
    leave.abort();
    expect(await within(0, waiting)).toBe('client_gone');
    expect(await within(2, behind)).toBe('inside');
  });

  it('asks once for a model that several want at the same time', async () => {
    const both = [engine.use(['base']), engine.use(['base'])];
    expect(await within(2, Promise.all(both))).toBe('inside');
    expect(await models()).toEqual(['base']);
  });
});

describe('EngineLeases and who wants its memory', () => {
  it('ends the idle engine for another service, and gives all leases back', async () => {
    await work('base', 4000);
    (await enter('segmentation'))[Symbol.dispose]();
    const other = world.manager.acquire(newDemand({ mib: 8000 }), { waitMs: 10_000 });
    expect(await within(3, other)).toBe('inside');
    expect(engine.unloads).toBe(1);
    expect(world.evicted).toEqual(['base']);
    expect(await models()).toEqual(['f5']);
  });

  it('lets a request that comes meanwhile wait, and load anew', async () => {
    await work('base', 3000);
    const other = await world.manager.acquire(newDemand({ mib: 4000 }), { waitMs: 10_000 });
    const more = world.manager.acquire(newDemand({ mib: 5000 }), { waitMs: 10_000 });
    const again = engine.use(['base']);
    expect(await within(3, more)).toBe('inside');
    expect(await within(0, again)).toBe('waits');
    world.manager.release(other.id);
    expect(await within(3, again)).toBe('inside');
    expect(engine.unloads).toBe(1);
  });

  it('gives everything back when the engine has ended by itself', async () => {
    await work('base', 4000);
    engine.pid = null;
    engine.leases.processGone();
    expect(await leases()).toEqual([]);
    await enter('base');
  });

  it('says so when the memory of an engine that has ended does not come back', async () => {
    await work('base', 4000);
    world.processes = [{ pid: 77, device: 'ram', usedMib: 4000 }];
    engine.leases.processGone();
    await world.pass(10);
    const { unreturned } = await world.manager.status();
    expect(unreturned).toMatchObject([{ owner: 'mana-stt', model: 'base', missingMib: 4000 }]);
  });

  it('keeps the leases of a process that is lost under work, which is done again', async () => {
    const use = await enter('base');
    engine.answer('base', 4000);
    expect(await leases()).not.toMatchObject([{ loadedTurn: null }]);
    engine.leases.processGone();
    expect(await leases()).toMatchObject([{ model: 'base', isInUse: true, loadedTurn: null }]);
    engine.pid = null;
    use[Symbol.dispose]();
    expect(await leases()).toEqual([]);
  });

  it('sends everybody away at the end, and gives everything back', async () => {
    await world.manager.acquire(newDemand({ device: 'ram', mib: 4000 }), { waitMs: 0 });
    await enter('base');
    const waiting = engine.use(['small']);
    await world.pass(2);
    engine.leases.close();
    expect(await within(1, waiting)).toBe('shutting_down');
    expect(await within(1, engine.use(['base']))).toBe('shutting_down');
    expect(await models()).toEqual(['f5']);
  });
});

describe('EngineUse.add', () => {
  it('leases an extra beside what is in use', async () => {
    const use = await enter('base');
    expect(await within(2, use.add('aligner'))).toBe('inside');
    expect(await models()).toEqual(['base', 'aligner']);
    engine.answer('aligner', 900);
    use[Symbol.dispose]();
    expect(await leases()).toMatchObject([{ isInUse: false }, { isInUse: false }]);
  });

  it('refuses an extra soon, and for the rest of the request at once', async () => {
    const use = await enter('base');
    expect(await within(12, use.add('small'))).toBe('no_memory_for_model');
    expect(await within(0, use.add('small'))).toBe('no_memory_for_model');
    expect(await models()).toEqual(['base']);
  });

  it('gives back an extra that comes after the end of the request', async () => {
    await world.manager.acquire(newDemand({ device: 'ram', mib: 4500 }), { waitMs: 0 });
    const use = await enter('base');
    engine.answer('base', 900);
    const adding = use.add('aligner');
    await world.pass(1);
    use[Symbol.dispose]();
    expect(await within(3, adding)).toBe('client_gone');
    expect(await models()).not.toContain('aligner');
  });
});

describe('EngineLeases and what is measured', () => {
  it('tells the ledger what each model has added to the process', async () => {
    const use = await enter('segmentation', 'base');
    engine.answer('segmentation', 150);
    engine.answer('base', 400);
    engine.answer('base', 650);
    engine.answer('segmentation', 600);
    expect(await leases()).toMatchObject([
      { model: 'segmentation', measured: { mib: 150 } },
      { model: 'base', measured: { mib: 500 } },
    ]);
    use[Symbol.dispose]();
    expect(await leases()).toMatchObject([{ pid: 77 }, { pid: 77 }]);
  });

  it('plans what was measured the next time', async () => {
    await work('base', 5000);
    engine.pid = null;
    engine.leases.processGone();
    await enter('base');
    expect(await leases()).toMatchObject([{ mib: 5250 }]);
  });

  it('leaves the measuring of a GPU to the reading of the process', async () => {
    world.devices = [newCard('gpu', 0)];
    const use = await enter('base');
    engine.answer('base', 900);
    world.processes = [{ pid: 77, device: 'gpu', usedMib: 3000 }];
    await world.manager.read();
    expect(await leases()).toMatchObject([{ pid: 77, measured: { mib: 3000, isRead: true } }]);
    use[Symbol.dispose]();
  });

  it('gives back the lease of a model that went to the CPU instead of the GPU', async () => {
    world.devices = [newCard('gpu', 0)];
    const use = await enter('base');
    const result = { model: 'base', device: 'cpu', loadSeconds: 1 };
    engine.leases.loaded(result);
    engine.answer('base', 900);
    expect(await leases()).toEqual([]);
    use[Symbol.dispose]();
    await enter('base');
    expect(await leases()).toEqual([]);
  });
});
