/**
 * A machine in which the ledger has to prove itself: processes that load, use, leak, crash and lie idle, programs that
 * never ask, readings that come late or not at all, cards that vanish. Time is simulated. After every event the world,
 * which knows what is true, checks what the ledger has promised.
 */
import type { DeviceReading, ProcessReading } from '#origin/vram/device.ts';
import type { Lease } from '#origin/vram/lease.ts';
import { Ledger, type LedgerEffect, type LedgerRules } from '#origin/vram/ledger.ts';
import type { Plan, Schedule } from '#test/support/ledger-schedules.ts';

export const WORLD_RULES: LedgerRules = {
  ...{ reserveMib: 1000, maxAgeMs: 1000, graceMs: 5000, spareMs: 5000, loadWindowMs: 60_000 },
  ...{ protectIdleMs: 10_000, maxOvertaken: 3, dueMs: 20_000, maxLeases: 100, maxWaiting: 100 },
};

export interface Outcome {
  readonly faults: readonly string[];
  readonly granted: number;
  readonly refused: number;
  readonly longestWaitMs: number;
  readonly events: number;
}

/** Runs a schedule to its end and tells what went wrong. */
export function runSchedule(schedule: Schedule, rules: LedgerRules = WORLD_RULES): Outcome {
  return new World(schedule, rules).run();
}

interface Process {
  readonly plan: Plan;
  readonly pid: number;
  readonly askedMs: number;
  lease: Lease | null;
  state: 'waiting' | 'refused' | 'loading' | 'using' | 'idle' | 'gone';
  usedMib: number;
}

/** What was true when a reading looked. */
interface Sample {
  readonly devices: readonly DeviceReading[];
  readonly otherMib: readonly number[];
  readonly processMib: ReadonlyMap<string, number>;
}

class World {
  readonly #schedule: Schedule;
  readonly #rules: LedgerRules;
  readonly #ledger: Ledger;
  readonly #processes = new Map<string, Process>();
  readonly #otherMib: number[];
  readonly #gone = new Set<number>();
  readonly #faults: string[] = [];
  readonly #agenda: { atMs: number; order: number; action: () => void }[] = [];
  /** When ticks are planned already. */
  readonly #ticks = new Set<number>();
  #sample: Sample | null = null;
  #nowMs = 0;
  #order = 0;
  #events = 0;
  #granted = 0;
  #refused = 0;
  #longestWaitMs = 0;

  constructor(schedule: Schedule, rules: LedgerRules) {
    this.#schedule = schedule;
    this.#rules = rules;
    this.#ledger = new Ledger(rules);
    this.#otherMib = schedule.cards.map(() => 0);
  }

  run(): Outcome {
    const { plans, others, removed, cards } = this.#schedule;
    for (const [index, plan] of plans.entries()) {
      this.#at(plan.atMs, () => this.#ask(plan, index));
    }
    for (const { atMs, card, mib } of others) {
      this.#at(atMs, () => (this.#otherMib[card % cards.length] = mib));
    }
    if (removed !== null) this.#at(removed.atMs, () => this.#remove(removed.card % cards.length));
    while (this.#agenda.length > 0 && this.#events < MAX_EVENTS) this.#step();
    this.#checkEnd();
    return {
      faults: this.#faults,
      ...{ granted: this.#granted, refused: this.#refused, events: this.#events },
      longestWaitMs: this.#longestWaitMs,
    };
  }

  #at(atMs: number, action: () => void): void {
    this.#order += 1;
    this.#agenda.push({ atMs: Math.max(atMs, this.#nowMs), order: this.#order, action });
  }

  #after(delayMs: number, action: () => void): void {
    this.#at(this.#nowMs + delayMs, action);
  }

  #step(): void {
    let soonest = 0;
    for (const [index, { atMs, order }] of this.#agenda.entries()) {
      const best = this.#agenda[soonest]!;
      if (atMs < best.atMs || (atMs === best.atMs && order < best.order)) soonest = index;
    }
    const [next] = this.#agenda.splice(soonest, 1);
    this.#nowMs = next!.atMs;
    this.#events += 1;
    next!.action();
    this.#checkAlways();
  }

  #card(index: number): string {
    return `card-${index}`;
  }

  #ask(plan: Plan, index: number): void {
    const id = `lease-${index}`;
    const card = plan.card === null ? null : plan.card % this.#schedule.cards.length;
    const process: Process = {
      ...{ plan, pid: 1000 + index, askedMs: this.#nowMs, lease: null, state: 'waiting' },
      usedMib: 0,
    };
    this.#processes.set(id, process);
    const demand = {
      ...{ owner: plan.owner, model: `model-${index}`, target: 'cuda', mib: plan.mib },
      ...{ priority: plan.priority, ttlMs: plan.ttlMs, isInUse: true, isLocal: false },
      device: card === null ? null : this.#card(card),
      releaseUrl: null,
      pid: plan.hasPid ? process.pid : null,
    };
    const deadlineMs = this.#nowMs + plan.waitMs;
    this.#carryOut(this.#ledger.demand({ id, demand, deadlineMs }, this.#nowMs));
  }

  #carryOut(effects: readonly LedgerEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'granted') this.#onGranted(effect.lease);
      if (effect.type === 'refused') this.#onRefused(effect.waitingId);
      if (effect.type === 'ask_release') this.#onAsked(effect.lease);
      if (effect.type === 'ended') this.#onEnded(effect.lease);
      if (effect.type === 'reading_wanted') this.#read();
    }
    const dueMs = this.#ledger.nextDueMs();
    // As the manager does it: the newest wish counts, older ones find nothing to do.
    if (dueMs !== null) {
      const atMs = Math.max(dueMs, this.#nowMs + 1);
      const isPlanned = this.#ticks.has(atMs);
      this.#ticks.add(atMs);
      if (!isPlanned) {
        this.#at(atMs, () => {
          this.#ticks.delete(atMs);
          this.#carryOut(this.#ledger.tick(this.#nowMs));
        });
      }
    }
  }

  #read(): void {
    const turn = this.#ledger.beginReading();
    const startedMs = this.#nowMs;
    const { readingMs, blind } = this.#schedule;
    const isBlind = blind.some(({ atMs, forMs }) => startedMs >= atMs && startedMs < atMs + forMs);
    // Processes are looked at first, then cards; whatever happens later is not in the reading.
    const firstMs = (turn * 7919) % (readingMs + 1);
    const secondMs = firstMs + ((turn * 104_729) % (readingMs - firstMs + 1));
    let processes: ProcessReading[] = [];
    let sample: Sample | null = null;
    this.#after(firstMs, () => {
      processes = this.#lookAtProcesses();
    });
    this.#after(secondMs, () => {
      sample = this.#look();
    });
    this.#after(readingMs, () => {
      if (isBlind || sample === null) {
        this.#carryOut(this.#ledger.missReading(this.#nowMs));
        return;
      }
      this.#sample = sample;
      const reading = { turn, startedMs, devices: sample.devices, processes };
      this.#carryOut(this.#ledger.takeReading(reading, this.#nowMs));
    });
  }

  #look(): Sample {
    const processMib = new Map<string, number>();
    for (const [id, { usedMib }] of this.#processes) processMib.set(id, usedMib);
    const otherMib = [...this.#otherMib];
    const devices = this.#schedule.cards.flatMap((totalMib, index) => {
      if (this.#gone.has(index)) return [];
      const id = this.#card(index);
      const usedMib = Math.min(totalMib, (otherMib[index] ?? 0) + this.#usedOn(id));
      const freeMib = totalMib - usedMib;
      return [{ ...{ id, index, totalMib, usedMib, freeMib }, kind: 'gpu' as const, name: 'X' }];
    });
    return { otherMib, processMib, devices };
  }

  #lookAtProcesses(): ProcessReading[] {
    return [...this.#processes.values()].flatMap(({ pid, lease, plan, usedMib }) =>
      plan.hasPid && lease !== null && usedMib > 0 ? [{ pid, device: lease.device, usedMib }] : [],
    );
  }

  #usedOn(device: string): number {
    let sum = 0;
    for (const { lease, usedMib } of this.#processes.values()) {
      if (lease?.device === device) sum += usedMib;
    }
    return sum;
  }

  #onGranted(lease: Lease): void {
    const process = this.#processes.get(lease.id)!;
    if (process.state !== 'waiting') this.#fault(`${lease.id} was granted while ${process.state}`);
    this.#granted += 1;
    this.#noteWait(process);
    process.lease = lease;
    process.state = 'loading';
    this.#checkBudget(lease);
    const { plan } = process;
    this.#after(plan.loadMs / 2, () => {
      if (process.state === 'loading') process.usedMib = Math.floor(plan.mib / 2);
    });
    this.#after(plan.loadMs, () => this.#onLoaded(lease.id, process));
    this.#beat(lease.id, process);
  }

  #onLoaded(id: string, process: Process): void {
    if (process.state !== 'loading') return;
    const { plan } = process;
    process.usedMib = plan.mib + plan.leakMib;
    process.state = 'using';
    this.#tell(id, { isLoaded: true });
    if (plan.crash === 'no') this.#after(plan.useMs, () => this.#onIdle(id, process));
    else this.#after(plan.useMs / 2, () => this.#crash(process));
  }

  #crash(process: Process): void {
    if (process.state === 'gone') return;
    process.state = 'gone';
    if (process.plan.crash === 'frees') process.usedMib = 0;
    // A zombie lets go in the end.
    else this.#after(40_000, () => (process.usedMib = 0));
  }

  #onIdle(id: string, process: Process): void {
    if (process.state !== 'using') return;
    process.state = 'idle';
    this.#tell(id, { isInUse: false });
    this.#after(process.plan.idleMs, () => this.#letGo(id, process));
  }

  #letGo(id: string, process: Process): void {
    if (process.state !== 'idle') return;
    process.state = 'gone';
    const { backMs } = process.plan;
    if (backMs === 0) process.usedMib = 0;
    else this.#after(backMs, () => (process.usedMib = 0));
    const ended = this.#ledger.release(id, this.#nowMs);
    if (ended.ok) this.#carryOut(ended.value);
    else this.#fault(`${id} was lost: ${ended.error.kind}`);
  }

  #onAsked(lease: Lease): void {
    const process = this.#processes.get(lease.id)!;
    if (process.state === 'using' || process.state === 'loading') {
      this.#fault(`${lease.id} was asked to go while ${process.state}`);
    }
    const { whenAsked } = process.plan;
    if (whenAsked === 'releases') this.#after(1500, () => this.#letGo(lease.id, process));
    if (whenAsked === 'refuses') {
      this.#after(200, () => this.#carryOut(this.#ledger.spare(lease.id, this.#nowMs)));
    }
  }

  #beat(id: string, process: Process): void {
    this.#after(process.plan.ttlMs / 3, () => {
      if (process.state === 'gone' || this.#ledger.find(id) === undefined) return;
      this.#tell(id, {});
      this.#beat(id, process);
    });
  }

  #tell(id: string, news: { isInUse?: boolean; isLoaded?: boolean }): void {
    const told = this.#ledger.heartbeat(id, news, this.#nowMs);
    if (told.ok) {
      this.#carryOut(told.value);
      return;
    }
    const isLost = told.error.kind === 'lease_ended' && told.error.end === 'lost';
    if (!isLost) this.#fault(`${id} has heartbeats and was lost: ${told.error.kind}`);
  }

  #onEnded({ id, device }: Lease): void {
    const process = this.#processes.get(id)!;
    const isRemoved = this.#gone.has(Number(device.slice('card-'.length)));
    if (process.state !== 'gone' && !isRemoved) this.#fault(`${id} ended while ${process.state}`);
    if (isRemoved) Object.assign(process, { state: 'gone', usedMib: 0 });
  }

  #onRefused(id: string): void {
    const process = this.#processes.get(id)!;
    if (process.state !== 'waiting') this.#fault(`${id} was refused while ${process.state}`);
    process.state = 'refused';
    this.#refused += 1;
    this.#noteWait(process);
  }

  #noteWait({ plan, askedMs }: Process): void {
    const waitedMs = this.#nowMs - askedMs;
    this.#longestWaitMs = Math.max(this.#longestWaitMs, waitedMs);
    // A reading under way and one more: nobody is told anything without one.
    const slackMs = 2 * this.#schedule.readingMs + this.#rules.maxAgeMs + 2;
    if (waitedMs > plan.waitMs + slackMs) this.#fault(`waited ${waitedMs} of ${plan.waitMs} ms`);
  }

  #remove(card: number): void {
    this.#gone.add(card);
    for (const process of this.#processes.values()) {
      if (process.lease?.device === this.#card(card)) process.usedMib = 0;
    }
    // The manager reads now and then while there are leases.
    for (const delayMs of [3000, 6000, 9000, 30_000]) this.#after(delayMs, () => this.#read());
  }

  /** All that was promised or is used, with the rest as the reading saw it, is below the card's size. */
  #checkBudget({ device, id }: Lease): void {
    const card = Number(device.slice('card-'.length));
    const total = this.#schedule.cards[card] ?? 0;
    const sample = this.#sample;
    if (sample === null) {
      this.#fault(`${id} was granted without a reading`);
      return;
    }
    let committedMib = sample.otherMib[card] ?? 0;
    for (const [other, process] of this.#processes) {
      if (process.lease?.device !== device) continue;
      const sawMib = sample.processMib.get(other) ?? 0;
      const isLeased = this.#ledger.find(other) !== undefined;
      const promisedMib = isLeased ? Math.max(process.plan.mib, sawMib) : process.usedMib;
      const isDead = process.state === 'gone';
      committedMib += isDead ? Math.min(promisedMib, process.usedMib) : promisedMib;
    }
    if (committedMib > total - this.#rules.reserveMib) {
      this.#fault(`${id} brings ${device} to ${committedMib} of ${total} MiB`);
    }
  }

  #checkAlways(): void {
    const byDevice = new Map<string, number>();
    for (const { device, mib } of this.#ledger.leases()) {
      byDevice.set(device, (byDevice.get(device) ?? 0) + mib);
    }
    for (const [device, mib] of byDevice) {
      const total = this.#schedule.cards[Number(device.slice('card-'.length))] ?? 0;
      if (mib > total - this.#rules.reserveMib) this.#fault(`${device} has leases of ${mib} MiB`);
    }
    for (const { id, overtaken } of this.#ledger.waiting()) {
      if (overtaken > this.#rules.maxOvertaken)
        this.#fault(`${id} was overtaken ${overtaken} times`);
    }
  }

  #checkEnd(): void {
    if (this.#events >= MAX_EVENTS) this.#fault('it does not come to an end');
    if (this.#ledger.leases().length > 0) this.#fault('leases are left');
    if (this.#ledger.waiting().length > 0) this.#fault('somebody waits for ever');
    for (const [id, { state }] of this.#processes) {
      if (state !== 'gone' && state !== 'refused') this.#fault(`${id} is left ${state}`);
    }
  }

  #fault(text: string): void {
    if (this.#faults.length < 20) this.#faults.push(`${this.#nowMs} ms: ${text}`);
  }
}

const MAX_EVENTS = 50_000;
