import { clustersAfter, linkAll } from '#origin/diarize/linkage.ts';
import {
  addTo,
  dot,
  type Group,
  groupOf,
  separationOf,
  strangenessOf,
} from '#origin/diarize/voice-group.ts';

/** A stretch of speech, as clustering sees it. */
export interface VoiceItem {
  /** Unit vector. */
  readonly vector: Float32Array;
  readonly seconds: number;
  readonly track: number;
}

export interface ClusterLimits {
  /** Added to the similarity of stretches of one track. */
  readonly trackBonus: number;
  /** Mean similarity above which groups are one voice without further thought. */
  readonly linkSimilarity: number;
  /** Separation (see `separationOf`) below which two groups are one voice. */
  readonly minSeparation: number;
  /** Added to the separation of groups that were heard as two voices in one window. */
  readonly apartBonus: number;
  /** Seconds of speech heard as two voices for the whole bonus. */
  readonly apartSeconds: number;
  /** Added to the separation of groups that share no track: what follows without a break is more likely one voice. */
  readonly strangerBonus: number;
}

export interface CountLimits {
  readonly min: number;
  readonly max: number;
}

/**
 * Stretches → voices. First, stretches that are alike are joined by average linkage, never across a separation. Then
 * the groups that are least apart are joined, until all are apart and their number is within the limits.
 *
 * @param separations Pairs of items heard as two voices in one window.
 * @returns the voice of each item, numbered from 0.
 */
export function clusterVoices(
  items: readonly VoiceItem[],
  separations: readonly (readonly [number, number])[],
  limits: ClusterLimits,
  count: CountLimits,
): Int32Array {
  const similarities = similaritiesOf(items, limits.trackBonus);
  for (const [a, b] of separations) {
    similarities[a * items.length + b] = Number.NEGATIVE_INFINITY;
    similarities[b * items.length + a] = Number.NEGATIVE_INFINITY;
  }
  const weights = items.map(({ seconds }) => seconds);
  const merges = linkAll(similarities, weights);
  const sure = merges.findIndex(({ similarity }) => similarity < limits.linkSimilarity);
  // At least as many groups as voices are asked for, as far as there are stretches.
  const most = Math.max(0, items.length - count.min);
  const first = Math.min(sure < 0 ? merges.length : sure, most);
  const label = clustersAfter(items.length, merges.slice(0, first));
  return joinGroups(items, label, separations, limits, count);
}

function joinGroups(
  items: readonly VoiceItem[],
  label: Int32Array,
  separations: readonly (readonly [number, number])[],
  limits: ClusterLimits,
  count: CountLimits,
): Int32Array {
  const groups: (Group | null)[] = [];
  for (const [i, item] of items.entries()) {
    const group = groups[label[i]!] ?? groupOf(item.vector.length);
    groups[label[i]!] = group;
    addTo(group, item);
  }
  const apart = apartSeconds(items, label, separations, groups.length);
  const distances = groups.map((a, i) =>
    Float64Array.from(groups, (b, j) => distance(a!, b!, apart[i]![j]!, limits)),
  );
  let left = groups.length;
  while (left > Math.max(1, count.min)) {
    const [a, b] = leastApart(groups, distances);
    if (a < 0 || (distances[a]![b]! >= limits.minSeparation && left <= count.max)) break;
    addTo(groups[a]!, groups[b]!);
    groups[b] = null;
    left -= 1;
    for (const [i, voice] of label.entries()) if (voice === b) label[i] = a;
    for (const [j, group] of groups.entries()) {
      if (group === null || j === a) continue;
      apart[a]![j]! += apart[b]![j]!;
      apart[j]![a] = apart[a]![j]!;
      distances[a]![j] = distance(groups[a]!, group, apart[a]![j]!, limits);
      distances[j]![a] = distances[a]![j]!;
    }
  }
  return renumber(label);
}

function distance(a: Group, b: Group, apart: number, limits: ClusterLimits): number {
  const bonus = limits.apartBonus * Math.min(1, apart / limits.apartSeconds);
  return separationOf(a, b) + bonus + limits.strangerBonus * strangenessOf(a, b);
}

function leastApart(
  groups: readonly (Group | null)[],
  distances: readonly Float64Array[],
): [number, number] {
  let best: [number, number] = [-1, -1];
  let least = Number.POSITIVE_INFINITY;
  for (let a = 0; a < groups.length; a += 1) {
    if (groups[a] === null) continue;
    for (let b = a + 1; b < groups.length; b += 1) {
      if (groups[b] === null || distances[a]![b]! >= least) continue;
      least = distances[a]![b]!;
      best = [a, b];
    }
  }
  return best;
}

/** `[group][group]`: seconds heard as two voices. */
function apartSeconds(
  items: readonly VoiceItem[],
  label: Int32Array,
  separations: readonly (readonly [number, number])[],
  groups: number,
): Float64Array[] {
  const apart = Array.from({ length: groups }, () => new Float64Array(groups));
  for (const [i, j] of separations) {
    const seconds = Math.min(items[i]!.seconds, items[j]!.seconds);
    apart[label[i]!]![label[j]!]! += seconds;
    apart[label[j]!]![label[i]!]! += seconds;
  }
  return apart;
}

function similaritiesOf(items: readonly VoiceItem[], trackBonus: number): Float32Array {
  const matrix = new Float32Array(items.length * items.length);
  for (const [i, a] of items.entries()) {
    for (let j = 0; j < i; j += 1) {
      const b = items[j]!;
      const value = dot(a.vector, b.vector) + (a.track === b.track ? trackBonus : 0);
      matrix[i * items.length + j] = value;
      matrix[j * items.length + i] = value;
    }
  }
  return matrix;
}

function renumber(label: Int32Array): Int32Array {
  const numbers = new Map<number, number>();
  return label.map((voice) => {
    const number = numbers.get(voice) ?? numbers.size;
    numbers.set(voice, number);
    return number;
  });
}
