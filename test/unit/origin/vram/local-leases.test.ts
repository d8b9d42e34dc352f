import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '#origin/vram/lease.ts';
import type { LocalDemand } from '#origin/vram/local-leases.ts';
import { SttException } from '#shared/errors.ts';
import { newCard, newDemand } from '#test/support/new-lease.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { type VramWorld, vramWorld } from '#test/support/vram-world.ts';

const makeDir = useTempDirs();
let world: VramWorld;
let unloaded: string[];
let killed: string[];

beforeEach(() => {
  world = vramWorld(join(makeDir(), 'leases.sqlite'));
  unloaded = [];
  killed = [];
  world.local.addOwner('engine', {
    unload: async ({ model }) => {
      unloaded.push(model);
      world.devices = [newCard('a', 0)];
    },
  });
});

afterEach(() => world.manager.close());

function demand(given: Partial<LocalDemand> = {}): LocalDemand {
  return {
    ...{ owner: 'engine', model: 'base', mib: 4000, ttlSeconds: 60 },
    deadlineMs: world.clock.now() + 30_000,
    ...given,
  };
}

/** A use that lasts until it is told to end. */
function use(given: Partial<LocalDemand> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leases: Lease[] = [];
  const done = world.local.withLease(demand(given), async (lease) => {
    leases.push(lease);
    world.devices = [newCard('a', lease.mib)];
    await promise;
  });
  done.catch(() => {});
  return { done, leases, end: resolve, fail: reject };
}

const leases = async () => (await world.manager.status()).leases;
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'served',
    (error: unknown) => (error instanceof SttException ? error.error.kind : String(error)),
  );

describe('LocalLeases.withLease', () => {
  it('gives back what the work gives, and keeps the model for its time', async () => {
    expect(await world.local.withLease(demand(), async () => 42)).toBe(42);
    expect(await leases()).toMatchObject([{ model: 'base', isInUse: false, isLocal: true }]);
    await world.pass(59);
    expect(unloaded).toEqual([]);
    await world.pass(3);
    expect(unloaded).toEqual(['base']);
    expect(await leases()).toEqual([]);
  });

  it('unloads at once with a time of 0, and never with -1', async () => {
    await world.local.withLease(demand({ ttlSeconds: 0 }), async () => {});
    await world.local.withLease(demand({ model: 'kept', ttlSeconds: -1 }), async () => {});
    await world.pass(1000);
    expect(unloaded).toEqual(['base']);
    expect(await leases()).toMatchObject([{ model: 'kept', expiresMs: null }]);
  });

  it('shares one lease among uses of the same model', async () => {
    const [first, second] = [use(), use()];
    await world.settle();
    expect(first.leases).toHaveLength(1);
    expect(second.leases).toEqual(first.leases);
    first.end();
    await first.done;
    expect(await leases()).toMatchObject([{ isInUse: true }]);
    second.end();
    await second.done;
    expect(await leases()).toMatchObject([{ isInUse: false }]);
  });

  it('takes no model away that is in use, however long', async () => {
    const long = use();
    await world.pass(3600);
    const other = use({ model: 'large', mib: 8000, deadlineMs: world.clock.now() + 5000 });
    await world.pass(8);
    expect(await codeOf(other.done)).toBe('no_gpu_memory');
    expect(unloaded).toEqual([]);
    long.end();
    await long.done;
  });

  it('unloads an idle model for one that needs its room', async () => {
    await world.local.withLease(demand({ ttlSeconds: -1 }), async () => {
      world.devices = [newCard('a', 4000)];
    });
    const other = use({ model: 'large', mib: 8000 });
    await world.pass(3);
    expect(unloaded).toEqual(['base']);
    expect(other.leases).toMatchObject([{ model: 'large' }]);
    other.end();
    await other.done;
  });

  it('lets a use that comes while its model is unloaded wait, and load it again', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    world.local.addOwner('engine', { unload: () => promise });
    await world.local.withLease(demand({ ttlSeconds: 0 }), async () => {});
    await world.pass(1);
    const again = use();
    await world.settle();
    expect(again.leases).toEqual([]);
    resolve();
    await world.pass(7);
    expect(again.leases).toHaveLength(1);
    again.end();
    await again.done;
  });

  it('fails as the work fails, and does not take the model for loaded', async () => {
    const broken = use();
    await world.settle();
    broken.fail(new Error('no such file'));
    await expect(broken.done).rejects.toThrow('no such file');
    expect(await leases()).toMatchObject([{ isInUse: false, loadedTurn: null }]);
  });

  it('asks anew for those who shared the wait of one that left', async () => {
    const blocker = await world.manager.acquire(newDemand({ mib: 8000 }), { waitMs: 0 });
    const leave = new AbortController();
    const first = use({ signal: leave.signal });
    const second = use();
    await world.settle();
    leave.abort();
    expect(await codeOf(first.done)).toBe('client_gone');
    world.manager.release(blocker.id);
    await world.pass(2);
    expect(second.leases).toHaveLength(1);
    second.end();
    await second.done;
  });

  it('waits for an unload no longer than its own deadline', async () => {
    world.local.addOwner('engine', { unload: () => new Promise(() => {}) });
    await world.local.withLease(demand({ ttlSeconds: 0 }), async () => {});
    await world.pass(1);
    const again = use({ deadlineMs: world.clock.now() + 1000 });
    await world.pass(2);
    expect(await codeOf(again.done)).toBe('timeout');
  });

  it('asks for a new lease when the card of the old one is gone', async () => {
    world.devices = [newCard('a', 0), newCard('b', 0, 20_000)];
    const first = use({ device: 'b', ttlSeconds: -1 });
    await world.settle();
    world.devices = [newCard('a', 0)];
    await world.manager.read();
    await world.manager.read();
    first.end();
    await first.done;
    const again = use({ device: 'b' });
    await world.pass(1);
    expect(await codeOf(again.done)).toBe('unknown_device');
  });
});

describe('LocalLeases.ownerEnded', () => {
  it('gives idle leases back, and takes nothing of used ones for loaded', async () => {
    await world.local.withLease(demand({ model: 'idle', mib: 1000 }), async () => {});
    const first = use();
    await world.settle();
    first.end();
    await first.done;
    const used = use();
    await world.settle();
    world.local.ownerEnded('engine');
    expect(await leases()).toMatchObject([{ model: 'base', isInUse: true, loadedTurn: null }]);
    expect(unloaded).toEqual([]);
    used.end();
    await used.done;
  });

  it('leaves the leases of others alone', async () => {
    await world.local.withLease(demand(), async () => {});
    world.local.ownerEnded('vllm');
    expect(await leases()).toHaveLength(1);
  });
});

describe('LocalLeases and memory that does not come back', () => {
  const stubborn = { unload: () => Promise.reject(new Error('it hangs')) };

  async function useOnce(): Promise<void> {
    await world.local.withLease(demand({ ttlSeconds: 0 }), async () => {
      world.devices = [newCard('a', 4000)];
    });
    await world.pass(20);
  }

  it('kills its process, and says what came of it', async () => {
    world.local.addOwner('engine', {
      ...stubborn,
      kill: async ({ model }) => {
        killed.push(model);
        world.devices = [newCard('a', 0)];
      },
    });
    await useOnce();
    expect(killed).toEqual(['base']);
    expect(await leases()).toEqual([]);
    expect((await world.manager.status()).unreturned).toEqual([]);
    expect(world.log).toContainEqual(
      expect.objectContaining({ msg: 'unloaded a model', freed_mib: 4000 }),
    );
  });

  it('reports it when that does not help either, and grants nothing over it', async () => {
    world.local.addOwner('engine', { ...stubborn, kill: async () => {} });
    await useOnce();
    const { unreturned, leases: left } = await world.manager.status();
    expect(left).toEqual([]);
    expect(unreturned).toMatchObject([{ owner: 'engine', model: 'base', missingMib: 4000 }]);
    expect(await codeOf(world.manager.acquire(newDemand({ mib: 8000 }), { waitMs: 0 }))).toBe(
      'no_gpu_memory',
    );
  });
});
