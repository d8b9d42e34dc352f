/** Leases: who may hold how much memory of which device. Times are milliseconds since 1970. */

/** What somebody asks for. */
export interface LeaseDemand {
  /** Program or service, e.g. `mana-tts`. */
  readonly owner: string;
  readonly model: string;
  /** How the model runs, e.g. `cuda/float16`: with the model's name the key of what was measured. */
  readonly target: string;
  /** Id of a device; null: wherever it fits best. */
  readonly device: string | null;
  /** At the most that the model ever takes, its working memory included. */
  readonly mib: number;
  /** 0 to 9; the higher goes first and stays longer. */
  readonly priority: number;
  /** Without a heartbeat for so long the lease ends; null: it never does by itself. */
  readonly ttlMs: number | null;
  readonly isInUse: boolean;
  /** Address that is asked to let go; null: the answer to a heartbeat tells. */
  readonly releaseUrl: string | null;
  /** Process that holds the memory, for readings by process. */
  readonly pid: number | null;
  /** Of this very process: it is asked by a function call and does not outlive a restart. */
  readonly isLocal: boolean;
}

export interface Lease extends LeaseDemand {
  readonly id: string;
  readonly device: string;
  /** `releasing`: its owner was asked to let go. */
  readonly state: 'active' | 'releasing';
  readonly createdMs: number;
  /** Begin or end of its last use. */
  readonly lastUsedMs: number;
  /** Null: never. */
  readonly expiresMs: number | null;
  /** Turn of readings in which its owner said that everything is loaded: later turns hold it. Null before. */
  readonly loadedTurn: number | null;
  /** What it takes, by process or by its owner's word; null: nobody knows. */
  readonly measured: Measured | null;
  /** When its owner was asked to let go. */
  readonly askedMs: number | null;
  /** Not asked again before: the owner refused, or did not react. */
  readonly spareUntilMs: number;
}

/** Memory that a lease takes. */
export interface Measured {
  readonly mib: number;
  /** Readings of later turns hold it. */
  readonly turn: number;
  /** By a reading of its process; otherwise by its owner's word. */
  readonly isRead: boolean;
}

/** A demand in the queue. */
export interface Waiting {
  readonly id: string;
  readonly demand: LeaseDemand;
  readonly sinceMs: number;
  /** Refused when it has nothing by then. */
  readonly deadlineMs: number;
  /** Order of arrival. */
  readonly sequence: number;
  /** How many who came later on a device it could have used were served before it. */
  readonly overtaken: number;
}

/** Memory that the plan keeps for a lease: what was agreed, or what it takes where that is more. */
export function heldMib({ mib, measured }: Pick<Lease, 'mib' | 'measured'>): number {
  return Math.max(mib, measured?.mib ?? 0);
}
