/**
 * The ledger of all devices: a state machine without clock, without input or output. Whoever holds it tells it what
 * happened and when, and carries out the effects it answers with.
 *
 * Nothing is granted but by a reading that was begun after the last lease ended and is not older than `maxAgeMs`.
 */
import type { DeviceReading, MemoryReading } from '#origin/vram/device.ts';
import { EndedLeases } from '#origin/vram/ended-leases.ts';
import type { Lease, LeaseDemand, Waiting } from '#origin/vram/lease.ts';
import {
  askLease,
  grantLease,
  type LeaseNews,
  measureLeases,
  spareLease,
  tellLease,
} from '#origin/vram/lease-changes.ts';
import { inOrder, isDue, type QueueRules } from '#origin/vram/queue-order.ts';
import {
  type DeviceView,
  findVictims,
  limitMib,
  type RoomRules,
  reportRoom,
  roomMib,
} from '#origin/vram/room.ts';
import type { LeaseEnd, LeaseFault, LeaseRefusal, RoomReport } from '#shared/lease-errors.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface LedgerRules extends RoomRules, QueueRules {
  /** An older reading decides nothing. */
  readonly maxAgeMs: number;
  /** For an owner to let go after it was asked. */
  readonly graceMs: number;
  /** An owner that refused, or did not let go, is not asked again for so long. */
  readonly spareMs: number;
  readonly maxLeases: number;
  readonly maxWaiting: number;
}

/** What whoever holds the ledger has to do. */
export type LedgerEffect =
  | { readonly type: 'granted'; readonly waitingId: string; readonly lease: Lease }
  | { readonly type: 'refused'; readonly waitingId: string; readonly refusal: LeaseRefusal }
  | { readonly type: 'ask_release'; readonly lease: Lease; readonly reason: 'room' | 'idle' }
  /** Its owner did not let go in time. */
  | { readonly type: 'overdue'; readonly lease: Lease }
  /** Something of it that must outlive a restart has changed. */
  | { readonly type: 'changed'; readonly lease: Lease }
  | { readonly type: 'ended'; readonly lease: Lease; readonly end: LeaseEnd }
  /** `beginReading`, read, then `takeReading` or `missReading`. */
  | { readonly type: 'reading_wanted' };

/** A demand as it comes. `id` becomes the id of its lease. */
export interface NewDemand {
  readonly id: string;
  readonly demand: LeaseDemand;
  /** Up to now: served at once or refused, without asking anybody to go. */
  readonly deadlineMs: number;
}

interface Reading {
  readonly devices: ReadonlyMap<string, DeviceReading>;
  readonly turn: number;
  readonly startedMs: number;
}

export class Ledger {
  readonly #rules: LedgerRules;
  readonly #leases = new Map<string, Lease>();
  readonly #ended = new EndedLeases();
  #queue: Waiting[] = [];
  /** Made when asked for, until something changes. */
  #views: DeviceView[] | null = null;
  #reading: Reading | null = null;
  /** Devices that the newest reading does not have: gone when the next one has not either. */
  #absent = new Set<string>();
  #sequence = 0;
  /** Number of the reading begun last. */
  #turn = 0;
  /** Readings before this one are out of date. */
  #validFrom = 0;
  #isReadingWanted = false;
  #failedMs: number | null = null;

  constructor(rules: LedgerRules) {
    this.#rules = rules;
  }

  leases(): Lease[] {
    return [...this.#leases.values()];
  }

  find(id: string): Lease | undefined {
    return this.#leases.get(id);
  }

  waiting(): readonly Waiting[] {
    return this.#queue;
  }

  /** Every device with its leases, as the newest reading found it. */
  views(): readonly DeviceView[] {
    this.#views ??= viewsOf(this.#reading, this.leases());
    return this.#views;
  }

  /** Leases of an earlier run. */
  restore(leases: readonly Lease[]): void {
    for (const lease of leases) this.#put(lease);
  }

  /** @returns the number that the reading to be made has */
  beginReading(): number {
    this.#turn += 1;
    return this.#turn;
  }

  takeReading({ turn, ...found }: MemoryReading & { turn: number }, nowMs: number): LedgerEffect[] {
    const effects: LedgerEffect[] = [];
    this.#isReadingWanted = false;
    this.#failedMs = null;
    const devices = new Map(found.devices.map((device) => [device.id, device]));
    this.#reading = { devices, turn, startedMs: found.startedMs };
    this.#views = null;
    this.#endLost(devices, effects);
    for (const lease of measureLeases(this.leases(), found.processes, turn)) this.#put(lease);
    return this.#pump(nowMs, effects);
  }

  /** There is no reading: nothing is granted until there is. */
  missReading(nowMs: number): LedgerEffect[] {
    this.#isReadingWanted = false;
    this.#failedMs = nowMs;
    const effects: LedgerEffect[] = [];
    const retryAfterSeconds = Math.ceil(this.#rules.maxAgeMs / 1000);
    for (const { id, deadlineMs } of this.#queue) {
      if (deadlineMs > nowMs) continue;
      this.#refuse(id, { kind: 'device_unreadable', retryAfterSeconds }, effects);
    }
    return effects;
  }

  demand({ id, demand, deadlineMs }: NewDemand, nowMs: number): LedgerEffect[] {
    const { maxLeases, maxWaiting } = this.#rules;
    if (this.#leases.size >= maxLeases || this.#queue.length >= maxWaiting) {
      const limit = this.#leases.size >= maxLeases ? maxLeases : maxWaiting;
      return [{ type: 'refused', waitingId: id, refusal: { kind: 'too_many_leases', limit } }];
    }
    this.#sequence += 1;
    const sequence = this.#sequence;
    this.#queue.push({ id, demand, sinceMs: nowMs, deadlineMs, sequence, overtaken: 0 });
    return this.#pump(nowMs);
  }

  /** Whoever asked has gone. */
  withdraw(id: string, nowMs: number): LedgerEffect[] {
    this.#queue = this.#queue.filter((waiting) => waiting.id !== id);
    return this.#pump(nowMs);
  }

  /** A sign of life. In use again, a lease that was asked to go stays. */
  heartbeat(id: string, news: LeaseNews, nowMs: number): Result<LedgerEffect[], LeaseFault> {
    const found = this.#living(id, nowMs);
    if (!found.ok) return found;
    const totalMib = this.#reading?.devices.get(found.value.device)?.totalMib ?? 0;
    const told = tellLease(found.value, news, { nowMs, turn: this.#turn, totalMib });
    const isKept = told.state === 'releasing' && news.isInUse === true;
    const lease = isKept ? spareLease(told, nowMs + this.#rules.spareMs) : told;
    this.#put(lease);
    return ok(this.#pump(nowMs, [{ type: 'changed', lease }]));
  }

  release(id: string, nowMs: number): Result<LedgerEffect[], LeaseFault> {
    const found = this.#living(id, nowMs);
    if (!found.ok) return found;
    const effects: LedgerEffect[] = [];
    this.#end(found.value, 'released', effects);
    return ok(this.#pump(nowMs, effects));
  }

  /** The owner cannot let go now, or cannot be reached. */
  spare(id: string, nowMs: number): LedgerEffect[] {
    const lease = this.#leases.get(id);
    if (lease?.state !== 'releasing') return [];
    this.#put(spareLease(lease, nowMs + this.#rules.spareMs));
    return this.#pump(nowMs);
  }

  /** What is due by now. */
  tick(nowMs: number): LedgerEffect[] {
    const effects: LedgerEffect[] = [];
    for (const lease of this.leases()) {
      const isExpired = lease.expiresMs !== null && lease.expiresMs <= nowMs;
      if (isExpired && !lease.isLocal) {
        this.#end(lease, 'expired', effects);
      } else if (lease.askedMs !== null && lease.askedMs + this.#rules.graceMs <= nowMs) {
        this.#put(spareLease(lease, nowMs + this.#rules.spareMs));
        effects.push({ type: 'overdue', lease });
      } else if (isExpired && lease.state === 'active' && lease.spareUntilMs <= nowMs) {
        this.#ask(lease, 'idle', { nowMs, effects });
      }
    }
    return this.#pump(nowMs, effects);
  }

  /** When `tick` has something to do; null: not before something else happens. */
  nextDueMs(): number | null {
    const { graceMs, maxAgeMs } = this.#rules;
    let due = Number.POSITIVE_INFINITY;
    for (const { expiresMs, askedMs, isLocal, spareUntilMs } of this.#leases.values()) {
      if (askedMs !== null) due = Math.min(due, askedMs + graceMs);
      const isIdleOver = expiresMs !== null && (!isLocal || askedMs === null);
      if (isIdleOver) due = Math.min(due, isLocal ? Math.max(expiresMs, spareUntilMs) : expiresMs);
    }
    if (this.#queue.length > 0 && !this.#isReadingWanted) {
      const readMs = Math.max(this.#failedMs ?? 0, this.#reading?.startedMs ?? 0);
      due = Math.min(due, readMs + maxAgeMs, ...this.#queue.map(({ deadlineMs }) => deadlineMs));
    }
    return due === Number.POSITIVE_INFINITY ? null : due;
  }

  /** Serves the queue as far as it can be, refuses whose time is over, asks owners to make room. */
  #pump(nowMs: number, effects: LedgerEffect[] = []): LedgerEffect[] {
    if (this.#queue.length === 0) return effects;
    if (!this.#isFresh(nowMs)) {
      if (!this.#isReadingWanted) effects.push({ type: 'reading_wanted' });
      this.#isReadingWanted = true;
      return effects;
    }
    while (this.#serveRound(nowMs, effects));
    return effects;
  }

  #isFresh(nowMs: number): boolean {
    const reading = this.#reading;
    const isRecent = reading !== null && nowMs - reading.startedMs < this.#rules.maxAgeMs;
    return isRecent && reading.turn >= this.#validFrom && this.#failedMs === null;
  }

  /** @returns true when a grant may have changed the order of those who still wait */
  #serveRound(nowMs: number, effects: LedgerEffect[]): boolean {
    const blocked = new Set<string>();
    for (const waiting of inOrder(this.#queue, this.#rules, nowMs)) {
      const views = this.#viewsFor(waiting.demand);
      const refusal = this.#impossible(waiting.demand, views);
      if (refusal !== null) {
        this.#refuse(waiting.id, refusal, effects);
        continue;
      }
      const open = views.filter(({ reading }) => !blocked.has(reading.id));
      const device = this.#bestFit(waiting.demand, open);
      if (device !== null) {
        if (this.#grant(waiting, device, { nowMs, effects })) return true;
      } else if (waiting.deadlineMs <= nowMs) {
        const { mib: neededMib } = waiting.demand;
        this.#refuse(
          waiting.id,
          { kind: 'no_gpu_memory', neededMib, room: this.#nearest(views) },
          effects,
        );
      } else {
        for (const id of this.#makeRoom(waiting, open, { nowMs, effects })) blocked.add(id);
      }
    }
    return false;
  }

  #viewsFor({ device }: LeaseDemand): DeviceView[] {
    return this.views().filter(({ reading }) => device === null || reading.id === device);
  }

  #impossible({ device, mib }: LeaseDemand, views: readonly DeviceView[]): LeaseRefusal | null {
    if (views.length === 0) {
      const known = [...(this.#reading?.devices.keys() ?? [])];
      return { kind: 'unknown_device', device: device ?? '', known };
    }
    const limit = Math.max(...views.map(({ reading }) => limitMib(reading, this.#rules)));
    return mib > limit ? { kind: 'lease_too_large', neededMib: mib, limitMib: limit } : null;
  }

  /** The tightest: large rooms stay whole for large models. */
  #bestFit({ mib }: LeaseDemand, views: readonly DeviceView[]): string | null {
    const rooms = views
      .map((view) => ({ id: view.reading.id, room: roomMib(view, this.#rules) }))
      .filter(({ room }) => room >= mib)
      .sort((a, b) => a.room - b.room);
    return rooms[0]?.id ?? null;
  }

  #nearest(views: readonly DeviceView[]): RoomReport {
    const reports = views.map((view) => reportRoom(view, this.#rules));
    const [best] = reports.sort((a, b) => b.roomMib - a.roomMib);
    return best ?? { device: '', roomMib: 0, otherMib: 0, blockers: [] };
  }

  /** @returns true when others were overtaken by it */
  #grant(waiting: Waiting, device: string, { nowMs, effects }: Turn): boolean {
    this.#queue = this.#queue.filter(({ id }) => id !== waiting.id);
    const lease = grantLease(waiting, device, nowMs);
    this.#put(lease);
    effects.push({ type: 'granted', waitingId: waiting.id, lease });
    let isOvertaking = false;
    this.#queue = this.#queue.map((other) => {
      const wants = other.demand.device === null || other.demand.device === device;
      if (other.sequence > waiting.sequence || !wants) return other;
      isOvertaking = true;
      return { ...other, overtaken: other.overtaken + 1 };
    });
    return isOvertaking;
  }

  /** @returns devices on which nobody behind may be served now */
  #makeRoom(waiting: Waiting, views: readonly DeviceView[], { nowMs, effects }: Turn): string[] {
    const { mib: neededMib, priority } = waiting.demand;
    const plans = views.flatMap((view) => {
      const tools = { rules: this.#rules, nowMs };
      const victims = findVictims(view, { neededMib, priority }, tools);
      return victims === null ? [] : [{ id: view.reading.id, victims }];
    });
    const [plan] = plans.sort((a, b) => a.victims.length - b.victims.length);
    for (const lease of plan?.victims ?? []) this.#ask(lease, 'room', { nowMs, effects });
    if (isDue(waiting, this.#rules, nowMs)) return views.map(({ reading }) => reading.id);
    return plan === undefined ? [] : [plan.id];
  }

  #ask(lease: Lease, reason: 'room' | 'idle', { nowMs, effects }: Turn): void {
    const asked = askLease(lease, nowMs);
    this.#put(asked);
    effects.push({ type: 'ask_release', lease: asked, reason });
  }

  #refuse(waitingId: string, refusal: LeaseRefusal, effects: LedgerEffect[]): void {
    this.#queue = this.#queue.filter(({ id }) => id !== waitingId);
    effects.push({ type: 'refused', waitingId, refusal });
  }

  #end(lease: Lease, end: LeaseEnd, effects: LedgerEffect[]): void {
    this.#leases.delete(lease.id);
    this.#views = null;
    this.#ended.add(lease.id, end);
    // Whether its memory came back, only a reading begun from now on can tell.
    this.#validFrom = this.#turn + 1;
    effects.push({ type: 'ended', lease, end });
  }

  #put(lease: Lease): void {
    this.#leases.set(lease.id, lease);
    this.#views = null;
  }

  #living(id: string, nowMs: number): Result<Lease, LeaseFault> {
    const lease = this.#leases.get(id);
    const isOver = lease !== undefined && !lease.isLocal && (lease.expiresMs ?? nowMs + 1) <= nowMs;
    if (lease !== undefined && !isOver) return ok(lease);
    // Its time is over, whether or not the tick has come that ends it.
    const end = isOver ? 'expired' : this.#ended.find(id);
    return fail(end === null ? { kind: 'unknown_lease' } : { kind: 'lease_ended', end });
  }

  /** Twice in a row: one list that lacks a card ends nothing. */
  #endLost(devices: ReadonlyMap<string, DeviceReading>, effects: LedgerEffect[]): void {
    const absent = this.leases().filter(({ device }) => !devices.has(device));
    for (const lease of absent) {
      if (this.#absent.has(lease.device)) this.#end(lease, 'lost', effects);
    }
    this.#absent = new Set(absent.map(({ device }) => device));
  }
}

interface Turn {
  readonly nowMs: number;
  readonly effects: LedgerEffect[];
}

function viewsOf(reading: Reading | null, leases: readonly Lease[]): DeviceView[] {
  if (reading === null) return [];
  const { turn, startedMs } = reading;
  const byDevice = Map.groupBy(leases, ({ device }) => device);
  return [...reading.devices.values()].map((device) => ({
    ...{ reading: device, turn, startedMs },
    leases: byDevice.get(device.id) ?? [],
  }));
}
