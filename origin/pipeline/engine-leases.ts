/**
 * The engine's models on the ledger of GPU memory, or of RAM: no model is loaded before its memory is leased. One
 * process holds them all, so they are in use together and go together: while a request is inside, none of them is
 * asked to go; while none is, whoever is asked for takes the whole engine along.
 */
import type { Clock } from '#origin/engine/clock.ts';
import type { EngineAnswer, EngineStatus } from '#origin/engine/engine-process.ts';
import type { LoadResult } from '#origin/engine/protocol.ts';
import type { Logger } from '#origin/logger.ts';
import { type Limit, LimitedWaits } from '#origin/pipeline/limited-waits.ts';
import { MemoryShares } from '#origin/pipeline/memory-shares.ts';
import type { LeasedDevice, MemoryPlan } from '#origin/pipeline/plan-memory.ts';
import { toModelRefusal } from '#origin/pipeline/to-model-refusal.ts';
import type { Lease } from '#origin/vram/lease.ts';
import type { LeaseNews } from '#origin/vram/lease-changes.ts';
import type { Vram } from '#origin/vram/open-vram.ts';
import { RAM_DEVICE } from '#origin/vram/ram-reading.ts';
import { SttException } from '#shared/errors.ts';

export const ENGINE_OWNER = 'mana-stt';

export interface EngineLeaseTools {
  readonly vram: Pick<Vram, 'manager' | 'local'>;
  readonly engine: { unload(): Promise<void>; status(): Pick<EngineStatus, 'pid'> };
  /** What a model takes of the device that the engine works on; null: nothing. */
  readonly plan: (model: string, device: LeasedDevice) => MemoryPlan | null;
  /** The model that a call is for, where the call does not say it. */
  readonly modelOf: (call: EngineAnswer['call']) => string | null;
  /** `now` is milliseconds since 1970. */
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A request's place in the engine: its models' leases are in use until it is disposed. */
export interface EngineUse extends Disposable {
  /**
   * Leases one more model, for an extra of the request; what was refused once is refused for the rest of the request.
   * @throws SttException as `EngineLeases.use`
   */
  add(model: string): Promise<void>;
}

interface Entry {
  readonly model: string;
  readonly plan: MemoryPlan;
  readonly lease: Lease;
  /** Ends the use at the ledger. */
  readonly end: () => void;
  /** A request was inside since it was granted, so the process may hold it. */
  isEntered: boolean;
  /** A call of this model was answered. */
  isLoaded: boolean;
  toldMib: number;
  /** Process that holds it, as the ledger was told. */
  pid: number | null;
}

export class EngineLeases {
  readonly #tools: EngineLeaseTools;
  readonly #entries = new Map<string, Entry>();
  /** Models that take nothing of the device. */
  readonly #unleased = new Set<string>();
  /** Leases that are being asked for. */
  readonly #taking = new Map<string, Promise<void>>();
  readonly #shares = new MemoryShares();
  readonly #waits: LimitedWaits;
  /** What the ledger shares out; null before its first reading, which decides for good. */
  #kind: LeasedDevice['kind'] | null = null;
  /** Requests inside. */
  #users = 0;
  #unloads = 0;

  constructor(tools: EngineLeaseTools) {
    this.#tools = tools;
    this.#waits = new LimitedWaits(tools.clock);
    tools.vram.local.addOwner(ENGINE_OWNER, { unload: (lease) => this.#unload(lease) });
  }

  /**
   * Waits for the memory of these models, at most a minute, and enters. Who finds all models leased passes those who
   * wait, but not for long.
   * @throws SttException no_memory_for_model, device_unreadable, too_many_leases, client_gone, shutting_down
   */
  async use(models: readonly string[], signal: AbortSignal): Promise<EngineUse> {
    const use = this.#waits.mayPass(PASS_MS) ? this.#tryEnter(models) : null;
    if (use !== null) return use;
    const limit = this.#waits.limit(signal, WAIT_MS);
    return this.#waits.inLine(limit, () => this.#takeAll(models, limit));
  }

  /** To be told of every answer of the engine: what its process takes. */
  answered({ call, model: named, pid, rssBytes }: EngineAnswer): void {
    const model = named ?? this.#tools.modelOf(call);
    if (model === null || pid === null || rssBytes === null) return;
    this.#shares.note({ pid, model, rssBytes });
    const entry = this.#entries.get(model);
    if (entry === undefined) return;
    const isFirst = !entry.isLoaded;
    entry.isLoaded = true;
    const grownMib = (this.#shares.shareMib(model, pid) ?? 0) - entry.toldMib;
    if (isFirst || grownMib >= TELLING_MIB) this.#tell(entry, this.#newsOf(entry, pid));
  }

  /** To be told of every model that was loaded: one that went to the CPU takes nothing of the GPU. */
  loaded({ model, device }: LoadResult): void {
    const entry = this.#entries.get(model);
    if (entry === undefined || device !== 'cpu' || entry.plan.device === RAM_DEVICE) return;
    this.#drop(entry);
    this.#unleased.add(model);
  }

  /** To be told when the engine's process is gone. With somebody inside, the models will be loaded again. */
  processGone(): void {
    for (const entry of this.#inProcess()) {
      entry.isLoaded = false;
      if (this.#users > 0) {
        this.#tell(entry, { isLoaded: false });
      } else {
        this.#drop(entry);
        this.#watchReturn(entry);
      }
    }
    this.#unleased.clear();
    this.#waits.ring();
  }

  /** Whoever waits is sent away, and all leases are given back. Called once the engine is stopped. */
  close(): void {
    this.#waits.close();
    for (const entry of this.#entries.values()) this.#drop(entry);
  }

  /** Enters where all models have their leases and nobody is about to end the engine. At once, or not at all. */
  #tryEnter(models: readonly string[]): EngineUse | null {
    if (this.#waits.isClosed || this.#isGoing() || this.#missing(models) !== undefined) return null;
    for (const entry of this.#entries.values()) {
      if (this.#users === 0 && entry.isEntered) this.#tell(entry, { isInUse: true });
    }
    // A device that is gone took its leases along.
    if (this.#missing(models) !== undefined) return null;
    for (const model of models) this.#markEntered(model);
    this.#users += 1;
    return this.#makeUse();
  }

  #makeUse(): EngineUse {
    const added = new Map<string, Promise<void>>();
    const leaving = new AbortController();
    return {
      add: (model) => {
        const adding =
          added.get(model) ?? this.#add(model, this.#waits.limit(leaving.signal, ADD_WAIT_MS));
        added.set(model, adding);
        return adding;
      },
      [Symbol.dispose]: () => {
        if (leaving.signal.aborted) return;
        leaving.abort();
        this.#leave();
      },
    };
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    const { pid } = this.#tools.engine.status();
    for (const entry of this.#inProcess()) {
      if (pid === null) this.#drop(entry);
      else this.#tell(entry, { ...this.#newsOf(entry, pid), isInUse: false, pid });
      entry.pid = pid;
    }
    this.#waits.ring();
  }

  async #takeAll(models: readonly string[], limit: Limit): Promise<EngineUse> {
    try {
      for (;;) {
        if (limit.signal.aborted) throw new SttException({ kind: 'client_gone' });
        const use = this.#tryEnter(models);
        if (use !== null) return use;
        const missing = this.#missing(models);
        if (missing === undefined || this.#isGoing()) await this.#waits.news(limit);
        else await this.#take(missing, limit);
      }
    } catch (error) {
      for (const entry of this.#entries.values()) if (!entry.isEntered) this.#drop(entry);
      throw this.#waits.toException(error);
    }
  }

  async #add(model: string, limit: Limit): Promise<void> {
    try {
      while (this.#missing([model]) !== undefined) await this.#take(model, limit);
      if (this.#users > 0) return this.#markEntered(model);
      // The request ended meanwhile.
      const entry = this.#entries.get(model);
      if (entry?.isEntered === false) this.#drop(entry);
    } catch (error) {
      throw this.#waits.toException(error);
    }
  }

  /** Asks for one lease. Who asks for one that is asked for already waits for that, and looks again. */
  async #take(model: string, limit: Limit): Promise<void> {
    const running = this.#taking.get(model);
    if (running !== undefined) return this.#waits.within(running, limit);
    const taking = this.#lease(model, limit);
    const settled = taking.catch(() => undefined);
    this.#taking.set(model, settled);
    settled.finally(() => this.#taking.delete(model));
    await taking;
  }

  async #lease(model: string, limit: Limit): Promise<void> {
    const plan = await this.#plan(model);
    if (plan === null) {
      this.#unleased.add(model);
      return;
    }
    const granted = Promise.withResolvers<Lease>();
    const ended = Promise.withResolvers<void>();
    const demand = { owner: ENGINE_OWNER, model, ttlSeconds: -1, ...plan, ...limit };
    const hold = (lease: Lease) => {
      granted.resolve(lease);
      return ended.promise;
    };
    this.#tools.vram.local.withLease(demand, hold).catch(granted.reject);
    const lease = await granted.promise.catch((error: unknown) => {
      throw this.#refused(error, { model, plan });
    });
    const state = { isEntered: false, isLoaded: false, toldMib: 0, pid: null };
    this.#entries.set(model, { model, plan, lease, end: ended.resolve, ...state });
  }

  #refused(error: unknown, { model, plan }: { model: string; plan: MemoryPlan }): unknown {
    if (!(error instanceof SttException) || error.error.kind === 'client_gone') return error;
    // Who holds the memory is for the log alone.
    this.#tools.logger.warn({ model, ...plan, why: error.message }, 'no memory for a model');
    return toModelRefusal(error, { model, neededMib: plan.mib });
  }

  /** Null as well where the card is gone: then the engine falls back on the CPU. */
  async #plan(model: string): Promise<MemoryPlan | null> {
    const { plan, vram } = this.#tools;
    const isOfCpu = () => plan(model, { id: '', kind: 'gpu' }) === null;
    if (this.#kind === 'gpu' && isOfCpu()) return null;
    try {
      // The engine works on the first card, as onnxruntime does unless told otherwise.
      const id = await vram.manager.deviceId('0');
      this.#kind = id === RAM_DEVICE ? 'ram' : 'gpu';
      return plan(model, { id, kind: this.#kind });
    } catch (error) {
      const kind = error instanceof SttException ? error.error.kind : null;
      if (kind === 'unknown_device') return null;
      // RAM can always be read, so these are GPUs: no matter for what runs on the CPU.
      if (kind === 'device_unreadable' && isOfCpu()) return null;
      throw error;
    }
  }

  /** Of the ledger, which wants the memory of one of the models. */
  async #unload(asked: Lease): Promise<void> {
    this.#unloads += 1;
    try {
      // None by the ledger's own rule, which asks for nothing that is in use.
      while (this.#users > 0) await this.#waits.nextNews();
      await this.#tools.engine.unload();
      // The one that was asked for is given back by whoever asked, once its memory is seen to be free.
      for (const entry of this.#inProcess()) this.#drop(entry, entry.lease.id !== asked.id);
      this.#unleased.clear();
    } finally {
      this.#unloads -= 1;
      this.#waits.ring();
    }
  }

  /** The engine is being ended, or its ledger has asked for that a moment ago. */
  #isGoing(): boolean {
    if (this.#unloads > 0) return true;
    if (this.#users > 0) return false;
    return this.#inProcess().some((entry) => this.#tell(entry, {})?.state === 'releasing');
  }

  #missing(models: readonly string[]): string | undefined {
    return models.find((model) => !this.#entries.has(model) && !this.#unleased.has(model));
  }

  #markEntered(model: string): void {
    const entry = this.#entries.get(model);
    if (entry !== undefined) entry.isEntered = true;
  }

  #inProcess(): Entry[] {
    return [...this.#entries.values()].filter(({ isEntered }) => isEntered);
  }

  /** In RAM the engine's own word counts, since all models share a process; of a GPU the reading by process. */
  #newsOf(entry: Entry, pid: number): LeaseNews {
    const isLoaded = entry.isLoaded;
    if (entry.plan.device !== RAM_DEVICE) return { isLoaded, pid };
    const usedMib = this.#shares.shareMib(entry.model, pid) ?? undefined;
    entry.toldMib = usedMib ?? 0;
    return { isLoaded, usedMib };
  }

  /** Null: the lease is no more, since its device is gone. */
  #tell(entry: Entry, news: LeaseNews): Lease | null {
    try {
      return this.#tools.vram.manager.heartbeat(entry.lease.id, news);
    } catch (error) {
      if (!(error instanceof SttException)) throw error;
      this.#drop(entry, false);
      return null;
    }
  }

  #drop(entry: Entry, isReleased = true): void {
    this.#entries.delete(entry.model);
    try {
      if (isReleased) this.#tools.vram.manager.release(entry.lease.id);
    } catch (error) {
      if (!(error instanceof SttException)) throw error;
    }
    entry.end();
  }

  /** Says so when the memory of an engine that ended by itself does not come back. */
  async #watchReturn({ model, plan, lease, pid, toldMib }: Entry): Promise<void> {
    const { manager } = this.#tools.vram;
    const { device } = plan;
    if (pid === null || toldMib === 0) return;
    const before = { devices: [], processes: [{ pid, device, usedMib: toldMib }] };
    // All of the process should be gone, not the share of one model.
    const ended = { ...lease, pid, measured: { mib: toldMib, turn: 0, isRead: true } };
    const judged = await manager.watchReturn(ended, { before, changes: -1, grownMib: 0 });
    if (judged.verdict === 'held') manager.reportUnreturned(lease, judged.missingMib);
    else this.#tools.logger.debug({ model, device }, 'memory of a model is back');
  }
}

/** For others to let go of their memory: they have half of it. */
const WAIT_MS = 60_000;
/** An extra waits less: the text is there already. */
const ADD_WAIT_MS = 10_000;
/** So long somebody who waits for memory lets those pass whose models are loaded. */
const PASS_MS = 10_000;
/** Growth of a model that is worth telling. */
const TELLING_MIB = 8;
