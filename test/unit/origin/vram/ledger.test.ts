import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceReading, ProcessReading } from '#origin/vram/device.ts';
import type { LeaseDemand } from '#origin/vram/lease.ts';
import { Ledger, type LedgerEffect, type LedgerRules } from '#origin/vram/ledger.ts';
import { newCard, newDemand, newLease } from '#test/support/new-lease.ts';

const RULES: LedgerRules = {
  ...{ reserveMib: 1000, maxAgeMs: 1000, graceMs: 5000, spareMs: 4000, loadWindowMs: 60_000 },
  ...{ protectIdleMs: 10_000, maxOvertaken: 2, dueMs: 20_000, maxLeases: 5, maxWaiting: 4 },
};

let ledger: Ledger;
let nowMs: number;

beforeEach(() => {
  ledger = new Ledger(RULES);
  nowMs = 1_000_000;
});

function demand(id: string, given: Partial<LeaseDemand> = {}, waitMs = 60_000) {
  return ledger.demand({ id, demand: newDemand(given), deadlineMs: nowMs + waitMs }, nowMs);
}

function read(devices: readonly DeviceReading[], processes: readonly ProcessReading[] = []) {
  const turn = ledger.beginReading();
  return ledger.takeReading({ turn, startedMs: nowMs, devices, processes }, nowMs);
}

const card = (usedMib = 0) => [newCard('a', usedMib)];
const told = (effects: readonly LedgerEffect[]) =>
  effects.map((effect) => {
    if (effect.type === 'reading_wanted') return effect.type;
    return `${effect.type} ${'lease' in effect ? effect.lease.id : effect.waitingId}`;
  });

function beat(id: string, news: Parameters<Ledger['heartbeat']>[1] = {}): LedgerEffect[] {
  const effects = ledger.heartbeat(id, news, nowMs);
  if (!effects.ok) throw new Error(effects.error.kind);
  return effects.value;
}

function release(id: string): LedgerEffect[] {
  const effects = ledger.release(id, nowMs);
  if (!effects.ok) throw new Error(effects.error.kind);
  return effects.value;
}

describe('Ledger.demand', () => {
  it('wants a reading first, and grants by it', () => {
    expect(told(demand('1'))).toEqual(['reading_wanted']);
    expect(told(demand('2'))).toEqual([]);
    expect(told(read(card()))).toEqual(['granted 1', 'granted 2']);
  });

  it('grants at once by a reading that is young enough', () => {
    read(card());
    nowMs += 999;
    expect(told(demand('1'))).toEqual(['granted 1']);
    nowMs += 1;
    expect(told(demand('2'))).toEqual(['reading_wanted']);
  });

  it('refuses what no device could ever give', () => {
    read(card());
    const [effect] = demand('1', { mib: 9001 });
    expect(effect).toMatchObject({
      refusal: { kind: 'lease_too_large', neededMib: 9001, limitMib: 9000 },
    });
  });

  it('refuses a device that is not there and names those that are', () => {
    read(card());
    const [effect] = demand('1', { device: 'b' });
    expect(effect).toMatchObject({ refusal: { kind: 'unknown_device', known: ['a'] } });
  });

  it('refuses at once, without asking anybody, when nobody waits', () => {
    ledger.restore([newLease({ id: 'idle', mib: 9000 })]);
    read(card(9000));
    const effects = demand('1', {}, 0);
    expect(effects).toMatchObject([
      { type: 'refused', refusal: { kind: 'no_gpu_memory', room: { blockers: [{ mib: 9000 }] } } },
    ]);
  });

  it('refuses at its deadline', () => {
    read(card(9500));
    demand('1', {}, 500);
    expect(ledger.nextDueMs()).toBe(nowMs + 500);
    nowMs += 500;
    expect(ledger.tick(nowMs)).toMatchObject([
      { type: 'refused', refusal: { kind: 'no_gpu_memory', room: { otherMib: 9500 } } },
    ]);
    expect(ledger.waiting()).toEqual([]);
  });

  it('refuses more demands and leases than it can hold', () => {
    for (const id of ['1', '2', '3', '4']) demand(id);
    expect(demand('5')).toMatchObject([{ refusal: { kind: 'too_many_leases', limit: 4 } }]);
    read(card());
    demand('5');
    expect(demand('6')).toMatchObject([{ refusal: { kind: 'too_many_leases', limit: 5 } }]);
  });

  it('takes the device with the least room that is enough', () => {
    read([newCard('a', 0), newCard('b', 6000)]);
    expect(demand('1', { mib: 2000 })).toMatchObject([{ lease: { device: 'b' } }]);
    expect(demand('2', { mib: 2000 })).toMatchObject([{ lease: { device: 'a' } }]);
  });

  it('is forgotten when whoever asked has left', () => {
    demand('1');
    ledger.withdraw('1', nowMs);
    expect(told(read(card()))).toEqual([]);
  });
});

describe('Ledger without a reading', () => {
  it('grants nothing, tries again, and refuses at the deadline', () => {
    demand('1', {}, 2500);
    expect(told(ledger.missReading(nowMs))).toEqual([]);
    expect(ledger.nextDueMs()).toBe(nowMs + 1000);
    nowMs += 1000;
    expect(told(ledger.tick(nowMs))).toEqual(['reading_wanted']);
    nowMs += 2000;
    expect(ledger.missReading(nowMs)).toMatchObject([{ refusal: { kind: 'device_unreadable' } }]);
  });

  it('does not fall back on an older reading', () => {
    read(card());
    ledger.missReading(nowMs);
    expect(told(demand('1'))).toEqual(['reading_wanted']);
    expect(told(read(card()))).toEqual(['granted 1']);
  });
});

describe('Ledger.release', () => {
  beforeEach(() => {
    read(card());
    demand('1', { mib: 8000 });
  });

  it('lets the next one in only by a reading that began afterwards', () => {
    demand('2', { mib: 8000 });
    const turn = ledger.beginReading();
    expect(told(release('1'))).toEqual(['ended 1', 'reading_wanted']);
    const early = { turn, startedMs: nowMs, devices: card(), processes: [] };
    expect(told(ledger.takeReading(early, nowMs))).toEqual(['reading_wanted']);
    expect(told(read(card()))).toEqual(['granted 2']);
  });

  it('lets nobody in while the memory is not back', () => {
    demand('2', { mib: 8000 });
    release('1');
    expect(told(read(card(8000)))).toEqual([]);
    expect(told(read(card(1000)))).toEqual(['granted 2']);
  });

  it('tells a second release how the lease ended', () => {
    release('1');
    const ended = { ok: false, error: { kind: 'lease_ended', end: 'released' } };
    expect(ledger.release('1', nowMs)).toEqual(ended);
    expect(ledger.release('x', nowMs)).toEqual({ ok: false, error: { kind: 'unknown_lease' } });
  });
});

describe('Ledger.heartbeat', () => {
  beforeEach(() => {
    read(card());
    demand('1', { ttlMs: 10_000 });
  });

  it('puts the end off', () => {
    nowMs += 9000;
    beat('1');
    nowMs += 9999;
    expect(told(ledger.tick(nowMs))).toEqual([]);
    nowMs += 1;
    expect(told(ledger.tick(nowMs))).toEqual(['ended 1']);
  });

  it('comes too late once the time is over, before any tick', () => {
    nowMs += 10_000;
    const late = { ok: false, error: { kind: 'lease_ended', end: 'expired' } };
    expect(ledger.heartbeat('1', {}, nowMs)).toEqual(late);
    ledger.tick(nowMs);
    expect(ledger.heartbeat('1', {}, nowMs)).toEqual(late);
  });

  it('takes the word of an owner for its memory, up to the size of the card', () => {
    beat('1', { usedMib: 1e6 });
    expect(ledger.find('1')?.measured).toMatchObject({ mib: 10_000, isRead: false });
  });

  it('prefers what a reading says of its process', () => {
    beat('1', { pid: 7 });
    read(card(600), [{ pid: 7, device: 'a', usedMib: 600 }]);
    beat('1', { usedMib: 900 });
    expect(ledger.find('1')?.measured).toMatchObject({ mib: 600, isRead: true });
    read(card());
    expect(ledger.find('1')?.measured).toMatchObject({ mib: 0 });
  });

  it('says nothing of processes that hold several leases', () => {
    beat('1', { pid: 7 });
    demand('2', { pid: 7 });
    read(card(600), [{ pid: 7, device: 'a', usedMib: 600 }]);
    expect(ledger.find('1')?.measured).toBeNull();
  });
});

describe('Ledger making room', () => {
  beforeEach(() => {
    ledger.restore([newLease({ id: 'idle', mib: 8000, expiresMs: null })]);
    read(card(8000));
  });

  it('asks an idle lease to go, once, and grants when its memory is back', () => {
    expect(told(demand('1', { mib: 5000 }))).toEqual(['ask_release idle']);
    expect(told(read(card(8000)))).toEqual([]);
    release('idle');
    expect(told(read(card()))).toEqual(['granted 1']);
  });

  it('lets nobody behind take the room that is being made', () => {
    demand('1', { mib: 5000 });
    expect(told(demand('2', { mib: 500 }))).toEqual([]);
    release('idle');
    expect(told(read(card()))).toEqual(['granted 1', 'granted 2']);
  });

  it('keeps a lease that is used again, and asks it not again for a while', () => {
    demand('1', { mib: 5000 });
    beat('idle', { isInUse: true });
    expect(ledger.find('idle')).toMatchObject({ state: 'active', spareUntilMs: nowMs + 4000 });
    expect(told(beat('idle', { isInUse: false }))).toEqual(['changed idle']);
    nowMs += 4000;
    expect(told(read(card(8000)))).toEqual(['ask_release idle']);
  });

  it('spares an owner that says it is busy', () => {
    demand('1', { mib: 5000 });
    expect(told(ledger.spare('idle', nowMs))).toEqual([]);
    expect(ledger.find('idle')).toMatchObject({ state: 'active' });
    expect(ledger.spare('idle', nowMs)).toEqual([]);
  });

  it('tells of an owner that does not react', () => {
    demand('1', { mib: 5000 });
    nowMs += 5000;
    expect(told(ledger.tick(nowMs))).toEqual(['overdue idle', 'reading_wanted']);
    expect(ledger.find('idle')).toMatchObject({ state: 'active' });
  });
});

describe('Ledger fairness', () => {
  it('lets smaller ones pass a large one only so often', () => {
    ledger.restore([newLease({ id: 'busy', mib: 7000, isInUse: true, expiresMs: null })]);
    read(card(7000));
    demand('large', { mib: 5000 });
    expect(told(demand('1', { mib: 500 }))).toEqual(['granted 1']);
    expect(told(demand('2', { mib: 500 }))).toEqual(['granted 2']);
    expect(told(demand('3', { mib: 500, priority: 9 }))).toEqual([]);
    release('busy');
    expect(told(read(card(1000)))).toEqual(['granted large', 'granted 3']);
  });

  it('lets nobody pass who has waited long, and does not hold up other devices', () => {
    ledger.restore([newLease({ id: 'busy', mib: 7000, isInUse: true, expiresMs: null })]);
    const cards = [newCard('a', 7000), newCard('b', 0)];
    read(cards);
    demand('large', { mib: 5000, device: 'a' });
    nowMs += 20_000;
    read(cards);
    expect(told(demand('1', { mib: 500, device: 'a' }))).toEqual([]);
    expect(told(demand('2', { mib: 500, device: 'b' }))).toEqual(['granted 2']);
  });
});

describe('Ledger and its devices', () => {
  it('ends the leases of a card that is missing twice', () => {
    ledger.restore([newLease({ id: '1', device: 'b', expiresMs: null })]);
    expect(told(read(card()))).toEqual([]);
    expect(told(read(card()))).toEqual(['ended 1']);
    expect(ledger.release('1', nowMs)).toMatchObject({ error: { end: 'lost' } });
  });

  it('forgives a card that is missing once', () => {
    ledger.restore([newLease({ id: '1', device: 'b', expiresMs: null })]);
    read(card());
    read([...card(), newCard('b', 0)]);
    expect(told(read(card()))).toEqual([]);
  });
});

describe('Ledger with leases of its own process', () => {
  it('ends none by time: it asks for them, and again when the owner did not react', () => {
    read(card());
    demand('1', { isLocal: true, ttlMs: 3000 });
    nowMs += 100_000;
    expect(told(ledger.tick(nowMs))).toEqual([]);
    beat('1', { isInUse: false });
    nowMs += 3000;
    expect(ledger.tick(nowMs)).toMatchObject([{ type: 'ask_release', reason: 'idle' }]);
    expect(ledger.nextDueMs()).toBe(nowMs + 5000);
    nowMs += 5000;
    expect(told(ledger.tick(nowMs))).toEqual(['overdue 1']);
    nowMs = ledger.nextDueMs() ?? 0;
    expect(told(ledger.tick(nowMs))).toEqual(['ask_release 1']);
  });

  it('keeps a lease without a time for ever', () => {
    read(card());
    demand('1', { isLocal: true, ttlMs: null });
    beat('1', { isInUse: false });
    expect(ledger.nextDueMs()).toBeNull();
  });
});
