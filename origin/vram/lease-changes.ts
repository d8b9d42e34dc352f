/** What happens to one lease: each function gives the lease afterwards. Pure. */
import type { ProcessReading } from '#origin/vram/device.ts';
import type { Lease, LeaseDemand, Waiting } from '#origin/vram/lease.ts';

/** What an owner tells of its lease; absent: as before. */
export interface LeaseNews {
  readonly isInUse?: boolean | undefined;
  /** Everything is in memory. */
  readonly isLoaded?: boolean | undefined;
  /** What it takes now. */
  readonly usedMib?: number | undefined;
  readonly ttlMs?: number | undefined;
  readonly pid?: number | undefined;
}

export function grantLease({ id, demand }: Waiting, device: string, nowMs: number): Lease {
  return {
    ...{ ...demand, id, device, state: 'active', createdMs: nowMs, lastUsedMs: nowMs },
    ...{ loadedTurn: null, measured: null, askedMs: null, spareUntilMs: 0 },
    expiresMs: expiryOf(demand, nowMs),
  };
}

/** Takes up what its owner tells. `turn`: of the reading begun last. */
export function tellLease(
  lease: Lease,
  news: LeaseNews,
  now: { readonly nowMs: number; readonly turn: number; readonly totalMib: number },
): Lease {
  const { isInUse = lease.isInUse, ttlMs = lease.ttlMs, pid = lease.pid } = news;
  const isLoaded = news.isLoaded ?? lease.loadedTurn !== null;
  const next: Lease = {
    ...{ ...lease, isInUse, ttlMs, pid },
    measured: news.usedMib === undefined ? lease.measured : tellMeasured(lease, news.usedMib, now),
    lastUsedMs: isInUse || lease.isInUse ? now.nowMs : lease.lastUsedMs,
    loadedTurn: isLoaded ? (lease.loadedTurn ?? now.turn) : null,
  };
  return { ...next, expiresMs: expiryOf(next, now.nowMs) };
}

/** Asks its owner to let go. */
export function askLease(lease: Lease, nowMs: number): Lease {
  return { ...lease, state: 'releasing', askedMs: nowMs };
}

/** Takes the question back for a while. */
export function spareLease(lease: Lease, untilMs: number): Lease {
  return { ...lease, state: 'active', askedMs: null, spareUntilMs: untilMs };
}

/** A lease of an earlier run: its owner gets until `untilMs` to be heard again. */
export function reviveLease(lease: Lease, untilMs: number): Lease {
  const { expiresMs, loadedTurn, measured } = lease;
  return {
    ...{ ...lease, state: 'active', askedMs: null },
    expiresMs: expiresMs === null ? null : Math.max(expiresMs, untilMs),
    // Turns are counted anew, and every reading of this run holds what was loaded before it.
    loadedTurn: loadedTurn === null ? null : 0,
    measured: measured === null ? null : { ...measured, turn: 0 },
  };
}

/**
 * What a reading says about each lease whose process is known. A process that has vanished from the reading holds
 * nothing; of a process with several leases nobody can say what belongs to which.
 * @returns the leases that changed
 */
export function measureLeases(
  leases: readonly Lease[],
  processes: readonly ProcessReading[],
  turn: number,
): Lease[] {
  const used = sumBy(processes, ({ usedMib }) => usedMib);
  const sharers = sumBy(leases, () => 1);
  return leases.flatMap((lease): Lease[] => {
    const key = keyOf(lease);
    if (lease.pid === null) return [];
    const isRead = lease.measured?.isRead === true;
    if ((sharers.get(key) ?? 0) > 1) return isRead ? [{ ...lease, measured: null }] : [];
    const mib = used.get(key);
    if (mib === undefined && !isRead) return [];
    return [{ ...lease, measured: { mib: mib ?? 0, turn: turn - 1, isRead: true } }];
  });
}

interface Holder {
  readonly pid: number | null;
  readonly device: string;
}

function keyOf({ pid, device }: Holder): string {
  return `${pid} ${device}`;
}

function sumBy<Item extends Holder>(items: readonly Item[], amountOf: (item: Item) => number) {
  const sums = new Map<string, number>();
  for (const item of items) {
    const key = keyOf(item);
    sums.set(key, (sums.get(key) ?? 0) + amountOf(item));
  }
  return sums;
}

/** What a reading by process has found counts more than an owner's word. */
function tellMeasured(
  { measured }: Lease,
  usedMib: number,
  { turn, totalMib }: { readonly turn: number; readonly totalMib: number },
): Lease['measured'] {
  if (measured?.isRead === true) return measured;
  const mib = Math.min(usedMib, totalMib);
  // What has not grown is in the newest reading already.
  const hasGrown = measured === null || mib > measured.mib;
  return { mib, turn: hasGrown ? turn : measured.turn, isRead: false };
}

/** A local lease lives as long as its use, and idle for its time; others need signs of life at all times. */
function expiryOf(
  { isLocal, isInUse, ttlMs }: Pick<LeaseDemand, 'isLocal' | 'isInUse' | 'ttlMs'>,
  nowMs: number,
): number | null {
  return ttlMs === null || (isLocal && isInUse) ? null : nowMs + ttlMs;
}
