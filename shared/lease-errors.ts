/** What may go wrong with a lease of GPU memory. Sizes are MiB. */

/** What a demand would need to have gone first. */
export interface LeaseBlocker {
  readonly owner: string;
  readonly model: string;
  readonly device: string;
  readonly mib: number;
  readonly priority: number;
  readonly isInUse: boolean;
}

/** The device that came nearest to what was asked for. */
export interface RoomReport {
  readonly device: string;
  /** What a lease could take now; below 0 when more is used than was planned. */
  readonly roomMib: number;
  /** Used by programs without a lease, as far as can be told. */
  readonly otherMib: number;
  readonly blockers: readonly LeaseBlocker[];
}

/** Why a demand is not served, with the evidence. */
export type LeaseRefusal =
  | { readonly kind: 'no_gpu_memory'; readonly neededMib: number; readonly room: RoomReport }
  /** More than any device could give if it were empty. */
  | { readonly kind: 'lease_too_large'; readonly neededMib: number; readonly limitMib: number }
  | { readonly kind: 'unknown_device'; readonly device: string; readonly known: readonly string[] }
  /** Nobody knows what is free now. */
  | { readonly kind: 'device_unreadable'; readonly retryAfterSeconds: number }
  | { readonly kind: 'too_many_leases'; readonly limit: number };

/** Why a lease is no more. `lost`: its device is gone. */
export type LeaseEnd = 'released' | 'expired' | 'lost';

/** Why nothing can be done with a lease. */
export type LeaseFault =
  | { readonly kind: 'unknown_lease' }
  | { readonly kind: 'lease_ended'; readonly end: LeaseEnd };

/** Why a model that a recording needs was not loaded: its memory could not be had. */
export type ModelRefusal = {
  readonly kind: 'no_memory_for_model';
  readonly model: string;
  readonly neededMib: number;
  /** What could be had at the end of the wait; null: not known. */
  readonly roomMib: number | null;
  /** It would not fit if everyone else left; waiting does not help, another machine may. */
  readonly isTooLarge: boolean;
  readonly retryAfterSeconds: number;
};

export type LeaseError = LeaseRefusal | LeaseFault | ModelRefusal;

/** A sentence: what was found, and what to do. */
export function describeLeaseError(error: LeaseError): string {
  switch (error.kind) {
    case 'no_gpu_memory':
      return describeNoMemory(error);
    case 'lease_too_large':
      return `${error.neededMib} MiB are more than any device here can give (${error.limitMib} MiB). Take a smaller model or a smaller number format.`;
    case 'unknown_device':
      return `There is no device "${error.device.slice(0, 100)}" here. Known: ${error.known.join(', ') || 'none'}.`;
    case 'device_unreadable':
      return `How much memory is free cannot be read now. Try again in ${error.retryAfterSeconds} s; the log of the service says what failed.`;
    case 'no_memory_for_model':
      return describeModelRefusal(error);
    case 'too_many_leases':
      return `There are ${error.limit} leases or demands already, the most that is accepted. Release some.`;
    case 'unknown_lease':
      return 'There is no such lease: it never was, or it ended long ago.';
    case 'lease_ended':
      return `The lease is no more: it ${LEASE_ENDS[error.end]}. Give its memory back and ask for a new one.`;
  }
}

const LEASE_ENDS = {
  released: 'was released already',
  expired: 'expired because no heartbeat came in time',
  lost: 'went with its device, which is gone',
} as const;

function describeNoMemory({ neededMib, room }: Extract<LeaseRefusal, { kind: 'no_gpu_memory' }>) {
  const names = room.blockers.slice(0, MAX_NAMED).map(({ owner, model, mib, isInUse }) => {
    return `${owner}/${model} (${mib} MiB, ${isInUse ? 'in use' : 'idle'})`;
  });
  const more = room.blockers.length - names.length;
  const leased =
    names.length === 0 ? 'none' : `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return `${neededMib} MiB do not fit: ${Math.max(0, room.roomMib)} MiB can be had on ${room.device}. Leased there: ${leased}; other programs use ${room.otherMib} MiB.`;
}

/** Who holds the memory is no business of a caller's. */
function describeModelRefusal({ model, neededMib, ...error }: ModelRefusal): string {
  const name = `The model "${model.slice(0, 100)}"`;
  const room = error.roomMib === null ? '' : `, ${Math.max(0, error.roomMib)} MiB can be had`;
  if (error.isTooLarge) {
    return `${name} does not fit on this machine: it needs ${neededMib} MiB${room}. Ask for a smaller model.`;
  }
  return `${name} has no room in memory now: it needs ${neededMib} MiB${room}. Try again in ${error.retryAfterSeconds} s.`;
}

const MAX_NAMED = 5;
