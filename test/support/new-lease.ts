import type { DeviceReading } from '#origin/vram/device.ts';
import type { Lease, LeaseDemand } from '#origin/vram/lease.ts';

/** A demand of another service for 1000 MiB, with what matters to a test. */
export function newDemand(given: Partial<LeaseDemand> = {}): LeaseDemand {
  return {
    ...{ owner: 'tts', model: 'f5', target: 'cuda', device: null, mib: 1000, priority: 5 },
    ...{ ttlMs: 60_000, isInUse: true, releaseUrl: null, pid: null, isLocal: false },
    ...given,
  };
}

/** An idle, loaded lease on card `a`, with what matters to a test. */
export function newLease(given: Partial<Lease> = {}): Lease {
  return {
    ...newDemand({ isInUse: false }),
    ...{ id: 'lease', device: 'a', state: 'active', createdMs: 0, lastUsedMs: 0 },
    ...{ expiresMs: 60_000, loadedTurn: 0, measured: null, askedMs: null, spareUntilMs: 0 },
    ...given,
  };
}

/** A card of 10,000 MiB. */
export function newCard(id: string, usedMib: number, totalMib = 10_000): DeviceReading {
  const freeMib = totalMib - usedMib;
  return { ...{ id, kind: 'gpu', index: 0, name: 'X', totalMib, usedMib, freeMib } };
}
