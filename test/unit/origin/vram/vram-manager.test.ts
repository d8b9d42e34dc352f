import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaseDemand } from '#origin/vram/lease.ts';
import { SttException } from '#shared/errors.ts';
import { newCard, newDemand } from '#test/support/new-lease.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { type VramWorld, vramWorld } from '#test/support/vram-world.ts';

const makeDir = useTempDirs();
let path: string;
let world: VramWorld;

beforeEach(() => {
  path = join(makeDir(), 'leases.sqlite');
  world = vramWorld(path);
});

afterEach(() => world.manager.close());

const acquire = (given: Partial<LeaseDemand> = {}, waitMs = 0) =>
  world.manager.acquire(newDemand(given), { waitMs });

/** What it fails with. */
async function fault(work: Promise<unknown>) {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof SttException ? error.error : error;
}

function restart(): void {
  world.manager.close();
  world = vramWorld(path, { clock: world.clock });
}

describe('VramManager.acquire', () => {
  it('serves many demands by one reading', async () => {
    await Promise.all([1, 2, 3, 4].map(() => acquire()));
    expect(world.readings).toBe(1);
  });

  it('refuses at once with who would have to go', async () => {
    await acquire({ mib: 8000 });
    expect(await fault(acquire({ mib: 2000 }))).toMatchObject({
      ...{ kind: 'no_gpu_memory', neededMib: 2000 },
      room: { roomMib: 1000, blockers: [{ owner: 'tts', mib: 8000, isInUse: true }] },
    });
  });

  it('waits until another lease is given back', async () => {
    const { id } = await acquire({ mib: 8000 });
    const second = acquire({ mib: 8000 }, 60_000);
    await world.pass(3);
    world.manager.release(id);
    expect(await second).toMatchObject({ mib: 8000 });
  });

  it('waits until a program without a lease has gone', async () => {
    world.devices = [newCard('a', 9000)];
    const lease = acquire({}, 60_000);
    await world.pass(3);
    world.devices = [newCard('a', 100)];
    await world.pass(2);
    expect(await lease).toMatchObject({ device: 'a' });
  });

  it('takes nobody in who has left', async () => {
    const { id } = await acquire({ mib: 8000 });
    const leave = new AbortController();
    const { signal } = leave;
    const work = world.manager.acquire(newDemand({ mib: 8000 }), { waitMs: 60_000, signal });
    leave.abort();
    expect(await fault(work)).toEqual({ kind: 'client_gone' });
    world.manager.release(id);
    await world.pass(2);
    expect((await world.manager.status()).leases).toEqual([]);
  });

  it('tells that memory cannot be read', async () => {
    world.failure = { problem: 'timeout', limitMs: 5000 };
    expect(await fault(acquire())).toMatchObject({ kind: 'device_unreadable' });
    expect((await world.manager.status()).problem).toBe('timeout');
    const told = world.log.filter(({ problem }) => problem === 'timeout');
    expect(told).toHaveLength(1);
  });

  it('does not ask a broken program without pause', async () => {
    await acquire();
    world.failure = { problem: 'nonsense', said: 'x' };
    await world.pass(100);
    expect(world.readings).toBeLessThan(10);
  });

  it('plans with what was measured before, kept over a restart', async () => {
    const { id } = await acquire({ mib: 1000, pid: 7 });
    world.processes = [{ pid: 7, device: 'a', usedMib: 2000 }];
    await world.manager.read();
    world.processes = [];
    world.manager.release(id);
    restart();
    expect(await acquire({ mib: 1000 })).toMatchObject({ mib: 2100 });
  });

  it('never makes a model impossible by what was measured', async () => {
    const { id } = await acquire({ mib: 8500, pid: 7 });
    world.processes = [{ pid: 7, device: 'a', usedMib: 9500 }];
    await world.manager.read();
    world.processes = [];
    world.manager.release(id);
    expect(await acquire({ mib: 8500 })).toMatchObject({ mib: 9000 });
  });
});

describe('VramManager and owners elsewhere', () => {
  const releaseUrl = 'http://127.0.0.1:8001/release';

  it('asks an idle owner at its address when its room is wanted', async () => {
    const { id } = await acquire({ mib: 8000, isInUse: false, releaseUrl });
    const second = acquire({ mib: 8000 }, 60_000);
    await world.settle();
    expect(world.asked).toMatchObject([{ lease: { id, releaseUrl }, reason: 'room' }]);
    world.manager.release(id);
    expect(await second).toMatchObject({ mib: 8000 });
  });

  it('leaves an owner that is busy in peace for a while', async () => {
    await acquire({ mib: 8000, isInUse: false, releaseUrl });
    world.answer = { outcome: 'busy' };
    const second = fault(acquire({ mib: 8000 }, 20_000));
    await world.pass(20);
    expect(await second).toMatchObject({ kind: 'no_gpu_memory' });
    expect(world.asked).toHaveLength(1);
  });

  it('tells an owner without an address by its heartbeat', async () => {
    const { id } = await acquire({ mib: 8000, isInUse: false });
    const second = fault(acquire({ mib: 8000 }, 5000));
    await world.settle();
    expect(world.manager.heartbeat(id, {})).toMatchObject({ state: 'releasing' });
    await world.pass(6);
    await second;
  });

  it('ends a lease without heartbeats and lets the next one in', async () => {
    await acquire({ mib: 8000, ttlMs: 10_000 });
    const second = acquire({ mib: 8000 }, 60_000);
    await world.pass(12);
    expect(await second).toMatchObject({ mib: 8000 });
    expect(world.log).toContainEqual(expect.objectContaining({ msg: 'a lease ended: expired' }));
  });

  it('reports memory of a process that did not come back', async () => {
    const { id } = await acquire({ mib: 4000, pid: 7 });
    world.processes = [{ pid: 7, device: 'a', usedMib: 4000 }];
    await world.manager.read();
    world.manager.release(id);
    await world.pass(7);
    const { unreturned } = await world.manager.status();
    expect(unreturned).toMatchObject([{ owner: 'tts', missingMib: 4000 }]);
  });
});

describe('VramManager over a restart', () => {
  it('takes up leases and gives their owners time to be heard', async () => {
    const { id } = await acquire({ mib: 8000, ttlMs: 5000 });
    restart();
    await world.pass(19);
    expect(world.manager.heartbeat(id, { ttlMs: 60_000 })).toMatchObject({ mib: 8000 });
    expect(await fault(acquire({ mib: 8000 }))).toMatchObject({ kind: 'no_gpu_memory' });
  });

  it('ends those that are not heard of', async () => {
    const { id } = await acquire({ ttlMs: 5000 });
    restart();
    await world.pass(20);
    const late = async () => world.manager.heartbeat(id, {});
    expect(await fault(late())).toEqual({ kind: 'lease_ended', end: 'expired' });
    restart();
    expect((await world.manager.status()).leases).toEqual([]);
  });

  it('goes on when the disk takes no more, and says so', async () => {
    world.store.close();
    expect(await acquire()).toMatchObject({ mib: 1000 });
    expect((await world.manager.status()).isDurable).toBe(false);
    expect(world.log).toContainEqual(
      expect.objectContaining({ msg: 'GPU leases cannot be written' }),
    );
    // What stands open is closed once: the store is closed already.
    world = vramWorld(path, { clock: world.clock });
  });
});

describe('VramManager going down', () => {
  it('sends other services away and serves its own', async () => {
    const { id } = await acquire({ mib: 8000 });
    const waiting = fault(acquire({ mib: 8000 }, 60_000));
    const own = acquire({ mib: 8000, isLocal: true }, 60_000);
    world.manager.drain();
    expect(await waiting).toMatchObject({ kind: 'shutting_down' });
    expect(await fault(acquire())).toMatchObject({ kind: 'shutting_down' });
    world.manager.release(id);
    expect(await own).toMatchObject({ isLocal: true });
  });

  it('sends everyone away at its end', async () => {
    await acquire({ mib: 8000 });
    const waiting = fault(acquire({ mib: 8000, isLocal: true }, 60_000));
    world.manager.close();
    expect(await waiting).toMatchObject({ kind: 'shutting_down' });
    expect(world.clock.pending()).toEqual([]);
  });
});

describe('VramManager.deviceId', () => {
  it('finds a device by its id or its index', async () => {
    world.devices = [newCard('a', 0), { ...newCard('b', 0), index: 1 }];
    expect(await world.manager.deviceId('b')).toBe('b');
    expect(await world.manager.deviceId('1')).toBe('b');
    const unknown = { kind: 'unknown_device', device: '2', known: ['a', 'b'] };
    expect(await fault(world.manager.deviceId('2'))).toEqual(unknown);
  });

  it('says when devices cannot be read', async () => {
    world.failure = { problem: 'missing' };
    expect(await fault(world.manager.deviceId('0'))).toMatchObject({ kind: 'device_unreadable' });
  });
});
