import { describe, expect, it } from 'vitest';
import type { Lease } from '#origin/vram/lease.ts';
import { findVictims, otherMib, type RoomRules, reportRoom, roomMib } from '#origin/vram/room.ts';
import { newCard, newLease } from '#test/support/new-lease.ts';

const RULES: RoomRules = { reserveMib: 1000, loadWindowMs: 60_000, protectIdleMs: 10_000 };
const NOW = { rules: RULES, nowMs: 100_000 };

/** Of a card of 10,000 MiB; the reading is of turn 5, begun at 50 s. */
function view(usedMib: number, leases: readonly Lease[]) {
  return { reading: newCard('a', usedMib), turn: 5, startedMs: 50_000, leases };
}

describe('roomMib', () => {
  it('keeps the reserve', () => {
    expect(roomMib(view(0, []), RULES)).toBe(9000);
  });

  it('is bounded by what others use without a lease', () => {
    expect(roomMib(view(7000, []), RULES)).toBe(2000);
  });

  it('is bounded by the plan when leases are loaded later or take less', () => {
    const leases = [newLease({ mib: 4000 }), newLease({ mib: 3000 })];
    expect(roomMib(view(100, leases), RULES)).toBe(2000);
  });

  it('counts what is leased and not loaded besides what the reading shows', () => {
    expect(
      roomMib(view(3000, [newLease({ mib: 4000, loadedTurn: null, createdMs: 40_000 })]), RULES),
    ).toBe(2000);
  });

  it('counts what was loaded after the reading began as not in it', () => {
    expect(roomMib(view(3000, [newLease({ mib: 4000, loadedTurn: 5 })]), RULES)).toBe(2000);
    expect(roomMib(view(3000, [newLease({ mib: 4000, loadedTurn: 4 })]), RULES)).toBe(5000);
  });

  it('takes an owner that never says so to have loaded after the window', () => {
    const silent = newLease({ mib: 4000, loadedTurn: null, createdMs: -20_000 });
    expect(roomMib(view(4000, [silent]), RULES)).toBe(5000);
  });

  it('keeps the rest of what was promised for a measured lease, however long it lives', () => {
    const measured = { mib: 1500, turn: 4, isRead: true };
    expect(roomMib(view(6000, [newLease({ mib: 4000, measured })]), RULES)).toBe(500);
  });

  it('does not trust a measure that is newer than the reading', () => {
    const measured = { mib: 4000, turn: 5, isRead: false };
    expect(roomMib(view(3000, [newLease({ mib: 4000, measured })]), RULES)).toBe(2000);
  });

  it('counts a leak as leased', () => {
    const measured = { mib: 6000, turn: 4, isRead: true };
    expect(roomMib(view(6000, [newLease({ mib: 4000, measured })]), RULES)).toBe(3000);
  });
});

describe('findVictims', () => {
  const idle = (id: string, given: Partial<Lease> = {}) => newLease({ id, mib: 2000, ...given });
  const ids = (found: readonly Lease[] | null) => found?.map(({ id }) => id) ?? null;
  const find = (neededMib: number, leases: readonly Lease[], priority = 5) =>
    ids(findVictims(view(leases.length * 2000, leases), { neededMib, priority }, NOW));

  it('asks the longest idle first', () => {
    const leases = [idle('new', { lastUsedMs: 9 }), idle('old', { lastUsedMs: 1 })];
    expect(find(6000, leases)).toEqual(['old']);
  });

  it('asks the lowest priority first, whenever it was used', () => {
    const leases = [idle('old'), idle('low', { lastUsedMs: 99_999, priority: 1 })];
    expect(find(6000, leases)).toEqual(['low']);
  });

  it('never asks a lease in use, whatever its priority', () => {
    expect(find(8000, [idle('busy', { isInUse: true, priority: 0 })], 9)).toBeNull();
  });

  it('asks a higher priority only after it was idle for a while', () => {
    expect(find(8000, [idle('high', { priority: 9, lastUsedMs: 95_000 })])).toBeNull();
    expect(find(8000, [idle('high', { priority: 9, lastUsedMs: 80_000 })])).toEqual(['high']);
  });

  it('asks nobody that just refused', () => {
    expect(find(8000, [idle('spared', { spareUntilMs: 100_001 })])).toBeNull();
  });

  it('asks nobody else while enough are leaving', () => {
    const leaving = idle('leaving', { state: 'releasing', askedMs: 99_000 });
    expect(find(6000, [leaving, idle('idle')])).toEqual([]);
  });

  it('leaves alone what a larger one makes needless', () => {
    const small = idle('small', { mib: 500, lastUsedMs: 0 });
    const large = idle('large', { mib: 5000, lastUsedMs: 1 });
    const found = findVictims(view(5500, [small, large]), { neededMib: 8000, priority: 5 }, NOW);
    expect(ids(found)).toEqual(['large']);
  });

  it('asks nobody in vain', () => {
    const leases = [idle('idle'), idle('busy', { isInUse: true })];
    expect(find(8500, leases)).toBeNull();
  });
});

describe('reportRoom', () => {
  it('tells who stands in the way, and what programs without a lease use', () => {
    const leases = [newLease({ mib: 4000, isInUse: true })];
    const blocker = { owner: 'tts', model: 'f5', device: 'a', mib: 4000, priority: 5 };
    expect(reportRoom(view(6500, leases), RULES)).toEqual({
      ...{ device: 'a', roomMib: 2500, otherMib: 2500 },
      blockers: [{ ...blocker, isInUse: true }],
    });
  });

  it('never tells of less than nothing', () => {
    expect(otherMib(view(100, [newLease({ mib: 4000 })]), RULES)).toBe(0);
  });
});
