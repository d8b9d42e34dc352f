/** Stretches taken for one voice. */
export interface Group {
  /** Sum of the vectors, weighted by seconds. */
  readonly sum: Float64Array;
  seconds: number;
  /** Sum of the squared seconds of the stretches. */
  squares: number;
  /** Seconds by track. */
  readonly tracks: Map<number, number>;
  /** Mean similarity of two of its stretches; null until it is needed. */
  likeness: number | null;
}

/** Square seconds of stretches that the belief in the usual likeness weighs: a group of few says little about itself. */
const BELIEF = 4;

/** Seconds of the smaller group beyond which more speech does not make two groups more apart. */
const FULL_SECONDS = 3;

export function groupOf(dimensions: number): Group {
  return {
    sum: new Float64Array(dimensions),
    seconds: 0,
    squares: 0,
    tracks: new Map(),
    likeness: null,
  };
}

/** Adds a stretch or a whole group. */
export function addTo(
  group: Group,
  other:
    | Group
    | { readonly vector: Float32Array; readonly seconds: number; readonly track: number },
): void {
  const isGroup = 'sum' in other;
  const weight = isGroup ? 1 : other.seconds;
  const values = isGroup ? other.sum : other.vector;
  for (let i = 0; i < group.sum.length; i += 1) group.sum[i]! += weight * values[i]!;
  const tracks = isGroup ? other.tracks : [[other.track, other.seconds] as const];
  for (const [track, seconds] of tracks) {
    group.tracks.set(track, (group.tracks.get(track) ?? 0) + seconds);
  }
  group.likeness = null;
  group.seconds += other.seconds;
  group.squares += isGroup ? other.squares : other.seconds ** 2;
}

/**
 * How far two groups are from being one voice; 0 or less for one voice. The mean similarity between the groups is
 * compared with that inside them, so noise, which makes all stretches less alike, cancels out. The less the smaller
 * group holds, the less its distance counts.
 */
export function separationOf(a: Group, b: Group, usualLikeness: number): number {
  const between = dot(a.sum, b.sum) / (a.seconds * b.seconds);
  const likeness = between / Math.sqrt(likenessIn(a, usualLikeness) * likenessIn(b, usualLikeness));
  const common = (a.seconds * b.seconds) / (a.seconds + b.seconds);
  return Math.min(FULL_SECONDS, common) * (1 - likeness);
}

/** Share of the smaller group's speech in tracks that the other group has no part of, 0..1. */
export function strangenessOf(a: Group, b: Group): number {
  const [small, large] = a.seconds < b.seconds ? [a, b] : [b, a];
  let strange = 0;
  for (const [track, seconds] of small.tracks) if (!large.tracks.has(track)) strange += seconds;
  return strange / small.seconds;
}

function likenessIn(group: Group, usual: number): number {
  const { sum, seconds, squares } = group;
  const pairs = seconds ** 2 - squares;
  group.likeness ??= Math.max(0.2, (dot(sum, sum) - squares + BELIEF * usual) / (pairs + BELIEF));
  return group.likeness;
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}
