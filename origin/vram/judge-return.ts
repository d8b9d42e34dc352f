/** Did the memory of an unloaded model come back? Pure. */
import type { MemoryReading } from '#origin/vram/device.ts';
import { heldMib, type Lease } from '#origin/vram/lease.ts';

type Memory = Pick<MemoryReading, 'devices' | 'processes'>;

/** `unknown`: too small to be told apart, or others came and went at the same time. */
export type ReturnVerdict =
  | { readonly verdict: 'returned'; readonly freedMib: number }
  | { readonly verdict: 'held'; readonly missingMib: number }
  | { readonly verdict: 'unknown' };

/** What is known of an unload. */
export interface Unload {
  readonly before: Memory;
  readonly after: Memory;
  /** Nobody else's lease began or ended on the device in between. */
  readonly isQuiet: boolean;
  /** By how much the use of the device grew while the lease lived. */
  readonly grownMib: number;
}

/** Compares readings from before and after: by process where the system tells, else by the device as a whole. */
export function judgeReturn(lease: Lease, unload: Unload): ReturnVerdict {
  const { before, after } = unload;
  const [held, holds] = [processMib(lease, before), processMib(lease, after) ?? 0];
  if (held === null)
    return judgeChange(lease, unload, [usedMib(lease, before), usedMib(lease, after)]);
  // A process with other leases keeps what is theirs.
  const isShared = lease.measured?.isRead !== true && holds > 0;
  if (isShared) return judgeChange(lease, unload, [held, holds]);
  // One that lives on keeps the driver's own part of it.
  const isBack = holds <= Math.max(held * MAX_KEPT_SHARE, Math.min(held / 2, MAX_KEPT_MIB));
  return isBack ? { verdict: 'returned', freedMib: held - holds } : heldBack(holds);
}

/** Did enough of it go, where others hold the rest? */
function judgeChange(
  lease: Lease,
  { isQuiet, grownMib }: Unload,
  [used, uses]: readonly [number | null, number | null],
): ReturnVerdict {
  // Who took less than it was leased has less to give back.
  const expectedMib = lease.measured?.mib ?? Math.min(heldMib(lease), grownMib);
  if (!isQuiet || used === null || uses === null || expectedMib < LEAST_TELLING_MIB) {
    return { verdict: 'unknown' };
  }
  const freedMib = used - uses;
  return freedMib >= expectedMib / 2
    ? { verdict: 'returned', freedMib }
    : heldBack(expectedMib - Math.max(0, freedMib));
}

/** A CUDA context is 300 to 600 MiB, and goes only with its process. */
const MAX_KEPT_MIB = 700;
const MAX_KEPT_SHARE = 0.1;
/** Less is lost among what other programs do. */
const LEAST_TELLING_MIB = 256;

function heldBack(missingMib: number): ReturnVerdict {
  return { verdict: 'held', missingMib };
}

function processMib({ pid, device }: Lease, { processes }: Memory): number | null {
  const found = processes.filter((process) => process.pid === pid && process.device === device);
  return found.length === 0 ? null : found.reduce((sum, { usedMib: mib }) => sum + mib, 0);
}

function usedMib({ device }: Lease, { devices }: Memory): number | null {
  return devices.find(({ id }) => id === device)?.usedMib ?? null;
}
