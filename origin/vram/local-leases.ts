/**
 * Leases of this process's own models: `withLease` around every use. A model stays leased, idle, for its time, so that
 * the next use finds it loaded; when its time is over or its room is wanted, its owner unloads it, and the reading has
 * to show that the memory came back.
 */
import type { Clock } from '#origin/engine/clock.ts';
import type { Logger } from '#origin/logger.ts';
import type { MemoryReading } from '#origin/vram/device.ts';
import type { Lease, LeaseDemand } from '#origin/vram/lease.ts';
import type { VramManager } from '#origin/vram/vram-manager.ts';
import { SttException } from '#shared/errors.ts';

/** Who holds models of this process. */
export interface LocalOwner {
  /** Ends whatever holds the memory of the lease; fulfils when that is done. */
  unload(lease: Lease): Promise<void>;
  /** Ends it by force: the memory did not come back. */
  kill?(lease: Lease): Promise<void>;
}

export interface LocalDemand {
  /** As given to `addOwner`. */
  readonly owner: string;
  readonly model: string;
  /** How it runs, e.g. `cuda/float16`. Default: the owner's name. */
  readonly target?: string;
  /** Absent: wherever it fits. */
  readonly device?: string;
  /** The registry's estimate; what was measured corrects it. */
  readonly mib: number;
  /** 0 to 9. Default 5. */
  readonly priority?: number;
  /** Seconds that the model stays loaded without use: -1 for ever, 0 not at all. */
  readonly ttlSeconds: number;
  /** Milliseconds since 1970. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Process that will hold the memory, if it is known. */
  readonly pid?: number;
}

export interface LocalLeaseTools {
  readonly manager: VramManager;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For an owner's `unload` and `kill`. */
  readonly unloadTimeoutMs: number;
}

export class LocalLeases {
  readonly #tools: LocalLeaseTools;
  readonly #owners = new Map<string, LocalOwner>();
  readonly #held = new Map<string, HeldLease>();

  constructor(tools: LocalLeaseTools) {
    this.#tools = tools;
    tools.manager.listen({
      onAskRelease: (lease) => this.#unload(lease),
      onEnded: ({ id }) => this.#forget(id),
    });
  }

  /** Without an owner of this name, its leases are given back and nothing is unloaded. */
  addOwner(name: string, owner: LocalOwner): void {
    this.#owners.set(name, owner);
  }

  /** Its process is gone, and all memory with it: idle leases are given back, used ones have to load again. */
  ownerEnded(name: string): void {
    for (const held of [...this.#held.values()]) {
      if (!isReady(held) || held.lease.owner !== name || held.unloading !== null) continue;
      held.isLoaded = false;
      if (held.users > 0) {
        this.#tell(held.lease, { isInUse: true, isLoaded: false });
      } else {
        this.#held.delete(held.key);
        this.#giveBack(held.lease);
      }
    }
  }

  /**
   * Runs `work` while its model may be in memory. Uses of the same model share one lease; it is not taken away while
   * one of them runs.
   * @throws SttException as `VramManager.acquire`, or what `work` throws
   */
  async withLease<Value>(
    demand: LocalDemand,
    work: (lease: Lease) => Promise<Value>,
  ): Promise<Value> {
    const held = await this.#enter(demand);
    try {
      const value = await work(held.lease);
      held.isLoaded = true;
      return value;
    } finally {
      this.#leave(held);
    }
  }

  async #enter(demand: LocalDemand): Promise<HeldLease & { lease: Lease }> {
    const key = [demand.owner, demand.model, demand.target, demand.device].join('\n');
    for (;;) {
      const held = this.#held.get(key);
      if (held === undefined) return this.#acquire(key, demand);
      // Either it comes into being or it is being unloaded; then look again.
      await this.#within(held.unloading ?? held.ready, demand);
      if (!isReady(held) || held.unloading !== null || this.#held.get(key) !== held) continue;
      // Gone with its device: there is none to share.
      if (held.users === 0 && !this.#tell(held.lease, { isInUse: true })) continue;
      held.users += 1;
      return held;
    }
  }

  async #acquire(key: string, demand: LocalDemand): Promise<HeldLease & { lease: Lease }> {
    const ready = Promise.withResolvers<void>();
    const held: HeldLease = {
      ...{ key, users: 1, isLoaded: false, lease: null, unloading: null, usedBeforeMib: 0 },
      ready: ready.promise,
    };
    this.#held.set(key, held);
    try {
      const waitMs = Math.max(0, demand.deadlineMs - this.#tools.clock.now());
      const limit = { waitMs, signal: demand.signal, isEstimate: true };
      held.lease = await this.#tools.manager.acquire(toDemand(demand), limit);
      held.usedBeforeMib = this.#tools.manager.usedOn(held.lease.device);
      return Object.assign(held, { lease: held.lease });
    } catch (error) {
      this.#held.delete(key);
      throw error;
    } finally {
      // Others who want the same model look again, and the next one asks.
      ready.resolve();
    }
  }

  #leave(held: HeldLease & { lease: Lease }): void {
    held.users -= 1;
    if (held.users > 0) return;
    this.#tell(held.lease, { isInUse: false, ...(held.isLoaded && { isLoaded: true }) });
  }

  /** @returns false when the lease is no more: it went with its device */
  #tell({ id }: Lease, news: { isInUse: boolean; isLoaded?: boolean }): boolean {
    try {
      this.#tools.manager.heartbeat(id, news);
      return true;
    } catch (error) {
      if (!(error instanceof SttException)) throw error;
      this.#forget(id);
      return false;
    }
  }

  #forget(id: string): void {
    for (const { key, lease } of this.#held.values()) if (lease?.id === id) this.#held.delete(key);
  }

  #unload(lease: Lease): void {
    const held = [...this.#held.values()].find((it) => it.lease?.id === lease.id);
    if (held === undefined || held.unloading !== null) return;
    held.unloading = this.#unloadAndWatch(lease, held.usedBeforeMib)
      .catch((err: unknown) => this.#tools.logger.error({ err }, 'a model cannot be unloaded'))
      .finally(() => {
        this.#held.delete(held.key);
        this.#giveBack(lease);
      });
  }

  #giveBack({ id }: Lease): void {
    try {
      this.#tools.manager.release(id);
    } catch (error) {
      if (!(error instanceof SttException)) throw error;
    }
  }

  async #unloadAndWatch(lease: Lease, usedBeforeMib: number): Promise<void> {
    const owner = this.#owners.get(lease.owner);
    if (owner === undefined) return;
    const { manager, logger } = this.#tools;
    const { owner: name, model, device } = lease;
    const before = await manager.read();
    const grownMib = manager.usedOn(device) - usedBeforeMib;
    const start = { before, grownMib, changes: manager.changesOn(device) };
    await this.#inTime(owner.unload(lease), 'unload', lease);
    let judged = await this.#judge(lease, start);
    if (judged?.verdict === 'held' && owner.kill !== undefined) {
      const missing = { missing_mib: judged.missingMib };
      logger.warn({ owner: name, model, device, ...missing }, 'memory did not come back: killing');
      await this.#inTime(owner.kill(lease), 'kill', lease);
      judged = await this.#judge(lease, start);
    }
    if (judged?.verdict === 'held') return manager.reportUnreturned(lease, judged.missingMib);
    const freed = judged?.verdict === 'returned' ? { freed_mib: judged.freedMib } : {};
    logger.info({ owner: name, model, device, ...freed }, 'unloaded a model');
  }

  async #judge(
    lease: Lease,
    { before, ...start }: { before: MemoryReading | null; changes: number; grownMib: number },
  ) {
    return before === null ? null : this.#tools.manager.watchReturn(lease, { ...start, before });
  }

  /** What its owner makes of it decides nothing: the reading does. */
  async #inTime(work: Promise<void>, doing: string, { owner, model }: Lease): Promise<void> {
    const { clock, logger, unloadTimeoutMs } = this.#tools;
    const late = Promise.withResolvers<'late'>();
    const stop = clock.after(unloadTimeoutMs, () => late.resolve('late'));
    try {
      const outcome = await Promise.race([work, late.promise]);
      if (outcome === 'late') logger.warn({ owner, model, doing }, 'an owner takes too long');
    } catch (err) {
      logger.warn({ owner, model, doing, err }, 'an owner failed');
    } finally {
      stop();
    }
  }

  /** Waits for others as long as the demand allows. */
  async #within(work: Promise<void>, { deadlineMs, signal }: LocalDemand): Promise<void> {
    const { clock } = this.#tools;
    const end = Promise.withResolvers<never>();
    const leave = () => end.reject(new SttException({ kind: 'client_gone' }));
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave, { once: true });
    const limitMs = Math.max(0, deadlineMs - clock.now());
    const stop = clock.after(limitMs, () => {
      const limitSeconds = Math.round(limitMs / 1000);
      end.reject(
        new SttException({ kind: 'timeout', doing: 'waiting for GPU memory', limitSeconds }),
      );
    });
    try {
      await Promise.race([work, end.promise]);
    } finally {
      stop();
      signal?.removeEventListener('abort', leave);
    }
  }
}

/** A lease that uses of the same model share. */
interface HeldLease {
  readonly key: string;
  users: number;
  /** A use has gone well, so everything is in memory. */
  isLoaded: boolean;
  /** Of its device, when it was granted. */
  usedBeforeMib: number;
  /** Null until it was granted. */
  lease: Lease | null;
  /** Fulfils when it was granted or refused. */
  readonly ready: Promise<void>;
  unloading: Promise<void> | null;
}

function isReady(held: HeldLease): held is HeldLease & { lease: Lease } {
  return held.lease !== null;
}

function toDemand(demand: LocalDemand): LeaseDemand {
  const { owner, model, mib, priority = 5, ttlSeconds } = demand;
  return {
    ...{ owner, model, mib, priority, isInUse: true, isLocal: true, releaseUrl: null },
    target: demand.target ?? owner,
    device: demand.device ?? null,
    ttlMs: ttlSeconds < 0 ? null : ttlSeconds * 1000,
    pid: demand.pid ?? null,
  };
}
