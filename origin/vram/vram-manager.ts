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
import { judgeReturn, type ReturnVerdict, type Unload } from '#origin/vram/judge-return.ts';
import type { Lease, LeaseDemand } from '#origin/vram/lease.ts';
import { type LeaseNews, reviveLease } from '#origin/vram/lease-changes.ts';
import { LeaseJournal } from '#origin/vram/lease-journal.ts';
import type { LeaseStore } from '#origin/vram/lease-store.ts';
import { Ledger, type LedgerEffect, type LedgerRules } from '#origin/vram/ledger.ts';
import { MemoryReader } from '#origin/vram/memory-reader.ts';
import { limitMib } from '#origin/vram/room.ts';
import { describeVram, type Unreturned, type VramStatus } from '#origin/vram/vram-status.ts';
import { SttException } from '#shared/errors.ts';

export interface VramTools {
  readonly rules: LedgerRules;
  readonly timing: VramTiming;
  readonly read: ReadMemory;
  readonly store: LeaseStore;
  readonly askRelease: AskRelease;
  /** Told of every lease that is asked to make room for another. */
  readonly onEviction?: ((lease: Lease) => void) | undefined;
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
  readonly #journal: LeaseJournal;
  readonly #reader: MemoryReader;
  readonly #waiters = new Map<string, Waiter>();
  /** How often leases began or ended, by device. */
  readonly #changes = new Map<string, number>();
  #local: LocalListener | null = null;
  #unreturned: Unreturned[] = [];
  /** As the log was told. */
  #lastProblem: ReadingFailure['problem'] | null = null;
  #stopTimer: () => void = () => {};
  #isDraining = false;
  #isClosed = false;

  /** Takes up the leases of other services that an earlier run left. */
  constructor(tools: VramTools) {
    this.#tools = tools;
    this.#ledger = new Ledger(tools.rules);
    this.#reader = new MemoryReader({
      ...{ read: tools.read, now: tools.clock.now },
      begin: () => this.#beginReading(),
      onReading: (reading) => this.#takeReading(reading),
      onMiss: (failure) => this.#missReading(failure),
    });
    this.#journal = new LeaseJournal(tools.store, tools.logger);
    const untilMs = tools.clock.now() + tools.timing.reviveMs;
    this.#ledger.restore(this.#journal.leases().map((lease) => reviveLease(lease, untilMs)));
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
    const mib = this.#journal.planMib(demand, { isEstimate, limitMib: this.#limitMib() });
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
    if (this.#reader.problem !== null) {
      throw new SttException({ kind: 'device_unreadable', retryAfterSeconds: 1 });
    }
    const known = this.#ledger.views().map(({ reading }) => reading.id);
    throw new SttException({ kind: 'unknown_device', device: name, known });
  }

  /** Everything that there is to know, read anew when the last reading is old. */
  async status(): Promise<VramStatus> {
    const isOld = this.#now() - (this.#reader.memory?.startedMs ?? 0) >= this.#tools.rules.maxAgeMs;
    if (isOld || this.#reader.problem !== null) await this.read();
    return describeVram(this.#ledger, {
      rules: this.#tools.rules,
      problem: this.#reader.problem,
      unreturned: this.#unreturned,
      isDurable: this.#journal.isDurable,
    });
  }

  /** A reading that is begun after this call; null when there is none. */
  async read(): Promise<MemoryReading | null> {
    await this.#reader.read();
    return this.#reader.problem === null ? this.#reader.memory : null;
  }

  /** What was used of a device by the newest reading; 0: nobody knows. */
  usedOn(device: string): number {
    return this.#reader.memory?.devices.find(({ id }) => id === device)?.usedMib ?? 0;
  }

  /** How often leases began or ended on a device: the same number twice means nobody came or went. */
  changesOn(device: string): number {
    return this.#changes.get(device) ?? 0;
  }

  /**
   * Watches until the memory of an unloaded lease is back, or the time for it is over.
   * @param start.changes of `changesOn` at the time of `before`
   */
  async watchReturn(
    lease: Lease,
    { before, changes, grownMib }: Pick<Unload, 'before' | 'grownMib'> & { changes: number },
  ): Promise<ReturnVerdict> {
    const { clock, timing } = this.#tools;
    const untilMs = clock.now() + timing.verifyMs;
    for (;;) {
      const after = await this.read();
      const isQuiet = this.changesOn(lease.device) === changes;
      const judged = after && judgeReturn(lease, { before, after, isQuiet, grownMib });
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
    this.#journal.close();
  }

  #now(): number {
    return this.#tools.clock.now();
  }

  #limitMib(): number {
    const { rules } = this.#tools;
    return Math.max(0, ...this.#ledger.views().map(({ reading }) => limitMib(reading, rules)));
  }

  #apply(effects: readonly LedgerEffect[]): void {
    // On the disk before anybody is told.
    this.#journal.save(effects);
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
        if (effect.reason === 'room') this.#tools.onEviction?.(effect.lease);
        this.#ask(effect.lease, effect.reason);
        return;
      case 'overdue':
        this.#warn(effect.lease, 'an owner did not let go of its lease in time');
        return;
      case 'changed':
        this.#journal.notePeak(effect.lease);
        return;
      case 'ended':
        this.#afterEnd(effect.lease, effect.end);
        return;
      case 'reading_wanted':
        this.#reader.read();
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
    if (end !== 'released') this.#warn(lease, `a lease ended: ${end}`);
    if (lease.isLocal) this.#local?.onEnded(lease);
    else if (end !== 'lost' && lease.measured?.isRead === true) this.#watchOther(lease);
  }

  /** Of other services only those are judged whose process is known: nobody knows when the rest unloaded. */
  async #watchOther(lease: Lease): Promise<void> {
    const { pid, device, measured } = lease;
    if (pid === null || measured === null) return;
    const before = { devices: [], processes: [{ pid, device, usedMib: measured.mib }] };
    const judged = await this.watchReturn(lease, { before, changes: -1, grownMib: 0 });
    if (judged.verdict === 'held') this.reportUnreturned(lease, judged.missingMib);
  }

  #count({ device }: Lease): void {
    this.#changes.set(device, this.changesOn(device) + 1);
  }

  #warn({ owner, model, device, mib }: Lease, message: string): void {
    this.#tools.logger.warn({ owner, model, device, mib }, message);
  }

  #beginReading(): { turn: number; pids: number[] } {
    const leases = this.#ledger.leases();
    const pids = [...new Set(leases.flatMap(({ pid }) => (pid === null ? [] : [pid])))];
    return { turn: this.#ledger.beginReading(), pids };
  }

  #takeReading(reading: MemoryReading & { turn: number }): void {
    if (this.#isClosed) return;
    if (this.#lastProblem !== null) this.#tools.logger.info('memory can be read again');
    this.#lastProblem = null;
    const effects = this.#ledger.takeReading(reading, this.#now());
    for (const lease of this.#ledger.leases()) this.#journal.notePeak(lease);
    this.#apply(effects);
  }

  #missReading(failure: ReadingFailure): void {
    if (this.#isClosed) return;
    if (this.#lastProblem !== failure.problem) {
      this.#tools.logger.error({ ...failure }, 'memory cannot be read: nothing new is granted');
    }
    this.#lastProblem = failure.problem;
    this.#apply(this.#ledger.missReading(this.#now()));
  }

  #schedule(): void {
    this.#stopTimer();
    if (this.#isClosed) return;
    const hasLeases = this.#ledger.leases().length > 0;
    const readMs = this.#reader.triedMs + this.#tools.timing.idleReadMs;
    const dueMs = Math.min(
      this.#ledger.nextDueMs() ?? Number.POSITIVE_INFINITY,
      hasLeases && !this.#reader.isReading ? readMs : Number.POSITIVE_INFINITY,
    );
    if (dueMs === Number.POSITIVE_INFINITY) return;
    // A timer may come a fraction early, so it never asks for less than a millisecond.
    const delayMs = Math.min(Math.max(1, dueMs - this.#now()), MAX_DELAY_MS);
    this.#stopTimer = this.#tools.clock.after(delayMs, () => {
      if (hasLeases && readMs <= this.#now()) this.#reader.read();
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
