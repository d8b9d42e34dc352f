/** Which of several origins takes a job: the one that has it already, else one with room, by weight. */

export interface OriginState {
  /** Unique and lasting. */
  readonly id: string;
  /** `down`: gets no new job while another origin is there. */
  readonly health: 'healthy' | 'degraded' | 'down' | 'unknown';
  /** The operator empties it: it finishes what it has, and gets nothing new. */
  readonly isDraining: boolean;
  /** Jobs that it could begin at once; null: unknown. */
  readonly freeCapacity: number | null;
  /** Jobs that wait there. */
  readonly queueLength: number;
  /** It serves Voxtral, too. Absent: not known. */
  readonly hasVoxtral?: boolean;
}

/**
 * The origins for a new job, best first; empty when there is none. Among those with room, the share of jobs each gets is
 * that of its free capacity: weighted rendezvous hashing of job and origin, so the same job and world always give the
 * same order, and an origin that leaves moves only its own jobs. Those without room follow, weighted by how short their queue
 * is; those that are down are listed only when nothing else is.
 */
export function chooseOrigins(jobId: string, origins: readonly OriginState[]): readonly string[] {
  const open = origins.filter(({ isDraining }) => !isDraining);
  const alive = open.filter(({ health }) => health !== 'down');
  return (alive.length > 0 ? alive : open)
    .map((origin) => ({ id: origin.id, tier: tierOf(origin), score: scoreOf(jobId, origin) }))
    .sort((a, b) => a.tier - b.tier || a.score - b.score || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

/**
 * The origin of a job that was given out before: it has the file and the result, so no other one will do, whether it is
 * healthy, full or draining. Null when it is no longer in the list.
 */
export function findJobOrigin(
  originId: string,
  origins: readonly OriginState[],
): OriginState | null {
  return origins.find(({ id }) => id === originId) ?? null;
}

function tierOf({ freeCapacity, health }: OriginState): number {
  const hasRoom = freeCapacity === null || freeCapacity > 0;
  return (hasRoom ? 0 : 2) + (health === 'degraded' ? 1 : 0);
}

/** An exponential variable with the weight as its rate: the smallest wins with the odds of its weight. */
function scoreOf(jobId: string, origin: OriginState): number {
  return -Math.log(hashToUnit(`${jobId}\n${origin.id}`)) / weightOf(origin);
}

function weightOf({ freeCapacity, queueLength }: OriginState): number {
  if (freeCapacity === null) return 1;
  return freeCapacity > 0 ? freeCapacity : 1 / (1 + Math.max(0, queueLength));
}

/** FNV-1a with MurmurHash3's finalizer, as a number in (0, 1). Not secret: it only has to be even. */
function hashToUnit(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
