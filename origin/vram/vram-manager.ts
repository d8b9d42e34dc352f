/** The ledger at work: readings, timers, the disk, and those who wait. */
import type { Clock } from '#origin/engine/clock.ts';
import type { Logger } from '#origin/logger.ts';
import type { AskRelease } from '#origin/vram/ask-release.ts';
import type {
  DeviceReading,
  MemoryReading,
  ReadingFailure,
  ReadMemory,
} from '#origin/vram/device.ts';
import { type EstimateRecord, Estimates } from '#origin/vram/estimates.ts';
import { judgeReturn, type ReturnVerdict } from '#origin/vram/judge-return.ts';
import type { Lease, LeaseDemand } from '#origin/vram/lease.ts';
import { type LeaseNews, reviveLease } from '#origin/vram/lease-changes.ts';
import type { LeaseStore } from '#origin/vram/lease-store.ts';
import { Ledger, type LedgerEffect, type LedgerRules } from '#origin/vram/ledger.ts';
import { limitMib } from '#origin/vram/room.ts';
import { describeVram, type Unreturned, type VramStatus } from '#origin/vram/vram-status.ts';
import { SttException } from '#shared/errors.ts';
import { fail } from '#shared/result.ts';

export interface VramTools {
  readonly rules: LedgerRules;
  readonly timing: VramTiming;
  readonly read: ReadMemory;
  readonly store: LeaseStore;
  readonly askRelease: AskRelease;
  /** `now` is milliseconds since 1970. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** Cannot be guessed. */
  readonly newId: () => string;
}

export interface VramTiming {
  /** Between readings while there are leases and nobody waits. */
  readonly idleReadMs: number;
  /** For memory to come back after an unload. */
  readonly verifyMs: number;
  /** Between readings while that is watched. */
  readonly verifyEveryMs: number;
  /** After a start, for owners of older leases to be heard again. */
  readonly reviveMs: number;
}

/** What a caller of `acquire` brings besides its demand. */
export interface AcquireLimit {
  /** 0: at once or not at all. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** `mib` is a guess, which measured numbers may lower too. */
  readonly isEstimate?: boolean;
}

/** Told of leases of this process. */
export interface LocalListener {
  onAskRelease(lease: Lease, reason: 'room' | 'idle'): void;
  onEnded(lease: Lease): void;
}

interface Waiter {
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: Error) => void;
}

export class VramManager {
  readonly #tools: VramTools;
  readonly #ledger: Ledger;
  readonly #estimates: Estimates;
  readonly #waiters = new Map<string, Waiter>();
  readonly #peaksMib = new Map<string, number>();
  /** How often leases began or ended, by device. */
  readonly #changes = new Map<string, number>();
  #local: LocalListener | null = null;
  #unreturned: Unreturned[] = [];
  #memory: MemoryReading | null = null;
  /** When the last reading was begun, whatever came of it. */
  #triedMs: number;
  #problem: ReadingFailure['problem'] | null = null;
  #reading: Promise<void> | null = null;
  #nextReading: Promise<void> | null = null;
  #stopTimer: () => void = () => {};
  #isDurable = true;
  #isDraining = false;
  #isClosed = false;

  /** Takes up the leases of other services that an earlier run left. */
  constructor(tools: VramTools) {
    this.#tools = tools;
    this.#ledger = new Ledger(tools.rules);
    this.#triedMs = tools.clock.now();
    this.#estimates = new Estimates(tools.store.estimates());
    const untilMs = tools.clock.now() + tools.timing.reviveMs;
    this.#ledger.restore(tools.store.leases().map((lease) => reviveLease(lease, untilMs)));
    this.#schedule();
  }

  /** Whoever holds models of this process; without one, leases asked to go are just given back. */
  listen(local: LocalListener): void {
    this.#local = local;
  }

  /**
   * Waits for memory and takes it.
   * @throws SttException of `LeaseRefusal`; client_gone when the signal comes first; shutting_down
   */
  async acquire(
    demand: LeaseDemand,
    { waitMs, signal, isEstimate = false }: AcquireLimit,
  ): Promise<Lease> {
    if (this.#isClosed || (this.#isDraining && !demand.isLocal)) throw shuttingDown();
    if (signal?.aborted) throw new SttException({ kind: 'client_gone' });
    const id = this.#tools.newId();
    const mib = this.#planMib(demand, isEstimate);
    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    this.#waiters.set(id, { resolve, reject });
    const leave = () => {
      if (!this.#waiters.delete(id)) return;
      reject(new SttException({ kind: 'client_gone' }));
      this.#apply(this.#ledger.withdraw(id, this.#now()));
    };
    signal?.addEventListener('abort', leave, { once: true });
    const deadlineMs = this.#now() + waitMs;
    this.#apply(this.#ledger.demand({ id, demand: { ...demand, mib }, deadlineMs }, this.#now()));
    const lease = await promise.finally(() => signal?.removeEventListener('abort', leave));
    if (!signal?.aborted) return lease;
    // Granted in the moment in which whoever asked left.
    this.release(lease.id);
    throw new SttException({ kind: 'client_gone' });
  }

  isLocal(id: string): boolean {
    return this.#ledger.find(id)?.isLocal === true;
  }

  /** @throws SttException of `LeaseFault` */
  heartbeat(id: string, news: LeaseNews): Lease {
    const effects = this.#ledger.heartbeat(id, news, this.#now());
    if (!effects.ok) throw new SttException(effects.error);
    this.#apply(effects.value);
    const lease = this.#ledger.find(id);
    if (lease === undefined) throw new SttException({ kind: 'unknown_lease' });
    return lease;
  }

  /** @throws SttException of `LeaseFault` */
  release(id: string): void {
    const effects = this.#ledger.release(id, this.#now());
    if (!effects.ok) throw new SttException(effects.error);
    this.#apply(effects.value);
  }

  /**
   * The id of a device by its id or its index.
   * @throws SttException unknown_device, device_unreadable
   */
  async deviceId(name: string): Promise<string> {
    const find = () => this.#ledger.views().find(({ reading }) => isNamed(reading, name));
    const found = find() ?? ((await this.read()) && find());
    if (found) return found.reading.id;
    if (this.#problem !== null) {
      throw new SttException({ kind: 'device_unreadable', retryAfterSeconds: 1 });
    }
    const known = this.#ledger.views().map(({ reading }) => reading.id);
    throw new SttException({ kind: 'unknown_device', device: name, known });
  }

  /** Everything that there is to know, read anew when the last reading is old. */
  async status(): Promise<VramStatus> {
    const isOld = this.#now() - (this.#memory?.startedMs ?? 0) >= this.#tools.rules.maxAgeMs;
    if (isOld || this.#problem !== null) await this.read();
    return describeVram(this.#ledger, {
      rules: this.#tools.rules,
      problem: this.#problem,
      unreturned: this.#unreturned,
      isDurable: this.#isDurable,
    });
  }

  /** A reading that is begun after this call; null when there is none. */
  async read(): Promise<MemoryReading | null> {
    await this.#readOnce();
    return this.#problem === null ? this.#memory : null;
  }

  /** How often leases began or ended on a device: the same number twice means nobody came or went. */
  changesOn(device: string): number {
    return this.#changes.get(device) ?? 0;
  }

  /**
   * Watches until the memory of an unloaded lease is back, or the time for it is over.
   * @param changes of `changesOn` at the time of `before`
   */
  async watchReturn(
    lease: Lease,
    { before, changes }: { before: Pick<MemoryReading, 'devices' | 'processes'>; changes: number },
  ): Promise<ReturnVerdict> {
    const { clock, timing } = this.#tools;
    const untilMs = clock.now() + timing.verifyMs;
    for (;;) {
      const after = await this.read();
      const isQuiet = this.changesOn(lease.device) === changes;
      const judged = after && judgeReturn(lease, { before, after, isQuiet });
      if (judged !== null && judged.verdict !== 'held') return judged;
      if (clock.now() >= untilMs || this.#isClosed) return judged ?? { verdict: 'unknown' };
      await new Promise<void>((resolve) => void clock.after(timing.verifyEveryMs, resolve));
    }
  }

  /** Says in the log and in `status` that memory did not come back. */
  reportUnreturned({ owner, model, device }: Lease, missingMib: number): void {
    const found = { owner, model, device, missingMib, foundMs: this.#now() };
    this.#unreturned = [...this.#unreturned, found].slice(-MAX_UNRETURNED);
    this.#tools.logger.error(
      { owner, model, device, missing_mib: missingMib },
      'memory of an ended lease did not come back',
    );
  }

  /** The service is going down: other services wait no longer. This process's own work goes on. */
  drain(): void {
    this.#isDraining = true;
    for (const { id, demand } of this.#ledger.waiting()) {
      if (demand.isLocal) continue;
      this.#waiters.get(id)?.reject(shuttingDown());
      this.#waiters.delete(id);
      this.#apply(this.#ledger.withdraw(id, this.#now()));
    }
  }

  /** Whoever waits is sent away. Leases of other services stay on the disk. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopTimer();
    for (const { reject } of this.#waiters.values()) reject(shuttingDown());
    this.#waiters.clear();
    this.#tools.store.close();
  }

  #now(): number {
    return this.#tools.clock.now();
  }

  /** Measured numbers never make a model impossible that was declared to fit. */
  #planMib(demand: LeaseDemand, isEstimate: boolean): number {
    const planned = this.#estimates.planMib(demand, { mib: demand.mib, isEstimate });
    const limits = this.#ledger.views().map(({ reading }) => limitMib(reading, this.#tools.rules));
    const limit = Math.max(0, ...limits);
    return limit === 0 || planned <= limit ? planned : Math.max(demand.mib, limit);
  }

  #apply(effects: readonly LedgerEffect[]): void {
    // On the disk before anybody is told.
    this.#save(effects);
    for (const effect of effects) this.#carryOut(effect);
    this.#schedule();
  }

  #carryOut(effect: LedgerEffect): void {
    switch (effect.type) {
      case 'granted':
        this.#count(effect.lease);
        this.#waiters.get(effect.waitingId)?.resolve(effect.lease);
        this.#waiters.delete(effect.waitingId);
        return;
      case 'refused':
        this.#waiters.get(effect.waitingId)?.reject(new SttException(effect.refusal));
        this.#waiters.delete(effect.waitingId);
        return;
      case 'ask_release':
        this.#ask(effect.lease, effect.reason);
        return;
      case 'overdue':
        this.#warn(effect.lease, 'an owner did not let go of its lease in time');
        return;
      case 'changed':
        this.#notePeak(effect.lease);
        return;
      case 'ended':
        this.#afterEnd(effect.lease, effect.end);
        return;
      case 'reading_wanted':
        this.#readOnce();
        return;
    }
  }

  async #ask(lease: Lease, reason: 'room' | 'idle'): Promise<void> {
    if (lease.isLocal) {
      if (this.#local === null) this.release(lease.id);
      else this.#local.onAskRelease(lease, reason);
      return;
    }
    const outcome = await this.#tools.askRelease(lease, reason);
    if (this.#isClosed || outcome.outcome === 'asked') return;
    if (outcome.outcome === 'failed') {
      const { owner, model } = lease;
      const { problem } = outcome;
      this.#tools.logger.warn({ owner, model, problem }, 'an owner cannot be asked to let go');
      return;
    }
    this.#apply(this.#ledger.spare(lease.id, this.#now()));
  }

  #afterEnd(lease: Lease, end: string): void {
    this.#count(lease);
    this.#peaksMib.delete(lease.id);
    if (end !== 'released') this.#warn(lease, `a lease ended: ${end}`);
    if (lease.isLocal) this.#local?.onEnded(lease);
    else if (end !== 'lost' && lease.measured?.isRead === true) this.#watchOther(lease);
  }

  /** Of other services only those are judged whose process is known: nobody knows when the rest unloaded. */
  async #watchOther(lease: Lease): Promise<void> {
    const { pid, device, measured } = lease;
    if (pid === null || measured === null) return;
    const before = { devices: [], processes: [{ pid, device, usedMib: measured.mib }] };
    const judged = await this.watchReturn(lease, { before, changes: -1 });
    if (judged.verdict === 'held') this.reportUnreturned(lease, judged.missingMib);
  }

  #count({ device }: Lease): void {
    this.#changes.set(device, this.changesOn(device) + 1);
  }

  #notePeak({ id, measured }: Lease): void {
    if (measured === null) return;
    this.#peaksMib.set(id, Math.max(this.#peaksMib.get(id) ?? 0, measured.mib));
  }

  #warn({ owner, model, device, mib }: Lease, message: string): void {
    this.#tools.logger.warn({ owner, model, device, mib }, message);
  }

  #save(effects: readonly LedgerEffect[]): void {
    const saved = new Map<string, Lease>();
    const endedIds: string[] = [];
    const estimates: EstimateRecord[] = [];
    for (const effect of effects) {
      if (effect.type === 'granted' || effect.type === 'changed') {
        if (!effect.lease.isLocal) saved.set(effect.lease.id, effect.lease);
      } else if (effect.type === 'ended') {
        if (!effect.lease.isLocal) endedIds.push(effect.lease.id);
        const peakMib = this.#peaksMib.get(effect.lease.id) ?? 0;
        if (peakMib > 0) estimates.push(this.#estimates.record(effect.lease, peakMib));
      }
    }
    if (saved.size + endedIds.length + estimates.length === 0 || this.#isClosed) return;
    try {
      this.#tools.store.write({ saved: [...saved.values()], endedIds, estimates });
      this.#isDurable = true;
    } catch (err) {
      // Memory is shared all the same; only a restart would forget these leases.
      if (this.#isDurable) this.#tools.logger.error({ err }, 'GPU leases cannot be written');
      this.#isDurable = false;
    }
  }

  #readOnce(): Promise<void> {
    if (this.#reading === null) return this.#begin();
    this.#nextReading ??= this.#reading.then(() => {
      this.#nextReading = null;
      return this.#begin();
    });
    return this.#nextReading;
  }

  #begin(): Promise<void> {
    if (this.#reading !== null) return this.#readOnce();
    const turn = this.#ledger.beginReading();
    const startedMs = this.#now();
    this.#triedMs = startedMs;
    const leases = this.#ledger.leases();
    const pids = [...new Set(leases.flatMap(({ pid }) => (pid === null ? [] : [pid])))];
    this.#reading = this.#tools
      .read(pids)
      .catch((error: unknown) => fail({ problem: 'failed' as const, said: String(error) }))
      .then((found) => {
        this.#reading = null;
        if (this.#isClosed) return;
        if (found.ok) this.#takeReading({ ...found.value, startedMs }, turn);
        else this.#missReading(found.error);
      });
    return this.#reading;
  }

  #takeReading(memory: MemoryReading, turn: number): void {
    if (this.#problem !== null) this.#tools.logger.info('memory can be read again');
    this.#problem = null;
    this.#memory = memory;
    const effects = this.#ledger.takeReading({ ...memory, turn }, this.#now());
    for (const lease of this.#ledger.leases()) this.#notePeak(lease);
    this.#apply(effects);
  }

  #missReading(failure: ReadingFailure): void {
    if (this.#problem !== failure.problem) {
      this.#tools.logger.error({ ...failure }, 'memory cannot be read: nothing new is granted');
    }
    this.#problem = failure.problem;
    this.#apply(this.#ledger.missReading(this.#now()));
  }

  #schedule(): void {
    this.#stopTimer();
    if (this.#isClosed) return;
    const hasLeases = this.#ledger.leases().length > 0;
    const readMs = this.#triedMs + this.#tools.timing.idleReadMs;
    const dueMs = Math.min(
      this.#ledger.nextDueMs() ?? Number.POSITIVE_INFINITY,
      hasLeases && this.#reading === null ? readMs : Number.POSITIVE_INFINITY,
    );
    if (dueMs === Number.POSITIVE_INFINITY) return;
    // A timer may come a fraction early, so it never asks for less than a millisecond.
    const delayMs = Math.min(Math.max(1, dueMs - this.#now()), MAX_DELAY_MS);
    this.#stopTimer = this.#tools.clock.after(delayMs, () => {
      if (hasLeases && readMs <= this.#now()) this.#readOnce();
      this.#apply(this.#ledger.tick(this.#now()));
    });
  }
}

const MAX_UNRETURNED = 20;
/** Timers of Node hold 31 bits. */
const MAX_DELAY_MS = 3_600_000;

function isNamed({ id, index }: DeviceReading, name: string): boolean {
  return id === name || String(index) === name;
}

function shuttingDown(): SttException {
  return new SttException({ kind: 'shutting_down', retryAfterSeconds: 10 });
}
