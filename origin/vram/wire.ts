/** What the ledger knows → the answers of `/v1/gpu`. */
import { heldMib, type Lease } from '#origin/vram/lease.ts';
import type { VramStatus } from '#origin/vram/vram-status.ts';
import type { GpuLease, GpuStatus } from '#shared/contracts/gpu-leases.ts';

export function toGpuLease(lease: Lease): GpuLease {
  const { id, owner, model, target, device, priority, state, pid, measured, expiresMs } = lease;
  return {
    ...{ id, owner, model, target, device, priority, state, pid },
    mib: heldMib(lease),
    measured_mib: measured?.mib ?? null,
    in_use: lease.isInUse,
    loaded: lease.loadedTurn !== null,
    created_at: toDate(lease.createdMs),
    last_used_at: toDate(lease.lastUsedMs),
    expires_at: expiresMs === null ? null : toDate(expiresMs),
  };
}

export function toGpuStatus(status: VramStatus): GpuStatus {
  return {
    reading: status.problem ?? 'ok',
    durable: status.isDurable,
    devices: status.devices.map(({ id, kind, index, name, ...device }) => ({
      ...{ id, kind, index, name },
      total_mib: device.totalMib,
      used_mib: device.usedMib,
      free_mib: device.freeMib,
      reserve_mib: device.reserveMib,
      leased_mib: device.leasedMib,
      pending_mib: device.pendingMib,
      other_mib: device.otherMib,
      room_mib: device.roomMib,
      read_at: toDate(device.readMs),
    })),
    leases: status.leases.map(toGpuLease),
    waiting: status.waiting.map(({ demand, sinceMs, deadlineMs, overtaken }) => ({
      ...{ owner: demand.owner, model: demand.model, device: demand.device, mib: demand.mib },
      ...{ priority: demand.priority, overtaken },
      since: toDate(sinceMs),
      until: toDate(deadlineMs),
    })),
    unreturned: status.unreturned.map(({ owner, model, device, missingMib, foundMs }) => ({
      ...{ owner, model, device, missing_mib: missingMib, found_at: toDate(foundMs) },
    })),
  };
}

function toDate(ms: number): string {
  return new Date(ms).toISOString();
}
