/** What the ledger knows at one moment, for people and dashboards. Pure. */
import type { DeviceReading, ReadingFailure } from '#origin/vram/device.ts';
import { heldMib, type Lease, type Waiting } from '#origin/vram/lease.ts';
import type { Ledger } from '#origin/vram/ledger.ts';
import { otherMib, pendingMib, type RoomRules, roomMib } from '#origin/vram/room.ts';

export interface DeviceStatus extends DeviceReading {
  readonly readMs: number;
  readonly reserveMib: number;
  /** Of all leases together. */
  readonly leasedMib: number;
  /** Leased and not loaded yet, as far as can be told. */
  readonly pendingMib: number;
  /** Used by programs without a lease, as far as can be told. */
  readonly otherMib: number;
  /** What a new lease could take now. */
  readonly roomMib: number;
}

/** Memory that did not come back. */
export interface Unreturned {
  readonly owner: string;
  readonly model: string;
  readonly device: string;
  readonly missingMib: number;
  readonly foundMs: number;
}

export interface VramStatus {
  /** Why there is no newer reading; null: there is one. */
  readonly problem: ReadingFailure['problem'] | null;
  readonly devices: readonly DeviceStatus[];
  readonly leases: readonly Lease[];
  readonly waiting: readonly Waiting[];
  /** Newest last. */
  readonly unreturned: readonly Unreturned[];
  /** False: the disk took the last change not. */
  readonly isDurable: boolean;
}

export function describeVram(
  ledger: Pick<Ledger, 'views' | 'leases' | 'waiting'>,
  {
    rules,
    ...rest
  }: Pick<VramStatus, 'problem' | 'unreturned' | 'isDurable'> & {
    readonly rules: RoomRules;
  },
): VramStatus {
  const devices = ledger.views().map((view) => ({
    ...view.reading,
    readMs: view.startedMs,
    reserveMib: rules.reserveMib,
    leasedMib: sum(view.leases.map(heldMib)),
    pendingMib: sum(view.leases.map((lease) => pendingMib(lease, view, rules))),
    otherMib: otherMib(view, rules),
    roomMib: Math.max(0, roomMib(view, rules)),
  }));
  return { ...rest, devices, leases: ledger.leases(), waiting: ledger.waiting() };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
