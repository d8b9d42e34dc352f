/**
 * How much of a device can still be leased, and who would have to go for more. Pure.
 *
 * Two limits hold at once. The plan: all leases together stay below total minus reserve. The reading: what is free
 * now, minus reserve, minus what leases were promised and have not loaded yet. The first sees loads that are still to
 * come, the second sees programs that never asked.
 */
import type { DeviceReading } from '#origin/vram/device.ts';
import { heldMib, type Lease } from '#origin/vram/lease.ts';
import type { RoomReport } from '#shared/lease-errors.ts';

/** A device with its leases at one moment. */
export interface DeviceView {
  readonly reading: DeviceReading;
  /** Which reading it was, and when the question was asked. */
  readonly turn: number;
  readonly startedMs: number;
  readonly leases: readonly Lease[];
}

export interface RoomRules {
  /** Kept free on each device. */
  readonly reserveMib: number;
  /** An owner that never says that it has loaded is taken to have done so after this. */
  readonly loadWindowMs: number;
  /** Idle leases of higher priority may be asked to go only after so long without use. */
  readonly protectIdleMs: number;
}

/** MiB that a new lease could take now; below 0 when more is used than was planned. */
export function roomMib(view: DeviceView, rules: RoomRules): number {
  const { totalMib, freeMib } = view.reading;
  const planned = sum(view.leases.map(heldMib));
  const pending = sum(view.leases.map((lease) => pendingMib(lease, view, rules)));
  return Math.min(totalMib - planned, freeMib - pending) - rules.reserveMib;
}

/** The most that a device could give if everyone else left. */
export function limitMib(reading: DeviceReading, { reserveMib }: RoomRules): number {
  return reading.totalMib - reserveMib;
}

/**
 * Leases to be asked to go so that `neededMib` fit, fewest and least wanted; empty when those already asked suffice.
 * Null when it would not fit even without all that may be asked.
 */
export function findVictims(
  view: DeviceView,
  demand: { readonly neededMib: number; readonly priority: number },
  { rules, nowMs }: { rules: RoomRules; nowMs: number },
): Lease[] | null {
  const leaving = view.leases.filter(({ state }) => state === 'releasing');
  let missing = demand.neededMib - roomMib(view, rules) - sum(leaving.map(heldMib));
  const chosen: Lease[] = [];
  for (const lease of evictable(view.leases, demand.priority, { rules, nowMs })) {
    if (missing <= 0) break;
    chosen.push(lease);
    missing -= heldMib(lease);
  }
  if (missing > 0) return null;
  // What came first may turn out not to be needed beside what came last.
  return chosen.filter((lease) => {
    const isNeeded = missing + heldMib(lease) > 0;
    if (!isNeeded) missing += heldMib(lease);
    return isNeeded;
  });
}

/** Idle, active, and not spared: lowest priority first, then longest without use. */
function evictable(
  leases: readonly Lease[],
  priority: number,
  { rules, nowMs }: { rules: RoomRules; nowMs: number },
): Lease[] {
  return leases
    .filter((lease) => lease.state === 'active' && !lease.isInUse && lease.spareUntilMs <= nowMs)
    .filter(
      (lease) => lease.priority <= priority || nowMs - lease.lastUsedMs >= rules.protectIdleMs,
    )
    .sort((a, b) => a.priority - b.priority || a.lastUsedMs - b.lastUsedMs);
}

/** What stands in the way on this device. */
export function reportRoom(view: DeviceView, rules: RoomRules): RoomReport {
  return {
    device: view.reading.id,
    roomMib: roomMib(view, rules),
    otherMib: otherMib(view, rules),
    blockers: view.leases.map(({ owner, model, device, priority, isInUse, ...lease }) => ({
      ...{ owner, model, device, priority, isInUse, mib: heldMib(lease) },
    })),
  };
}

/** Used by programs without a lease, as far as can be told. */
export function otherMib(view: DeviceView, rules: RoomRules): number {
  const loaded = view.leases.map((lease) => heldMib(lease) - pendingMib(lease, view, rules));
  return Math.max(0, view.reading.usedMib - sum(loaded));
}

/**
 * What a lease was promised and the reading does not hold yet. With a measured number: the rest up to the promise, for
 * as long as it lives, since working memory comes and goes.
 */
export function pendingMib(
  lease: Lease,
  { turn, startedMs }: Pick<DeviceView, 'turn' | 'startedMs'>,
  { loadWindowMs }: RoomRules,
): number {
  if (lease.measured !== null) {
    return lease.measured.turn < turn ? Math.max(0, lease.mib - lease.measured.mib) : lease.mib;
  }
  const isLoaded =
    lease.loadedTurn === null
      ? lease.createdMs + loadWindowMs <= startedMs
      : lease.loadedTurn < turn;
  return isLoaded ? 0 : lease.mib;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
