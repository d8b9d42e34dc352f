import { type DistanceLimits, GroupJoiner } from '#origin/diarize/group-joiner.ts';
import { clustersAfter, linkAll } from '#origin/diarize/linkage.ts';
import { addTo, type Group, groupOf } from '#origin/diarize/voice-group.ts';

/** A stretch of speech, as clustering sees it. */
export interface VoiceItem {
  /** Unit vector. */
  readonly vector: Float32Array;
  readonly seconds: number;
  readonly track: number;
}

export interface ClusterLimits extends DistanceLimits {
  /** Added to the similarity of stretches of one track. */
  readonly trackBonus: number;
  /** Mean similarity above which groups are one voice without further thought. */
  readonly linkSimilarity: number;
  /** Separation (see `separationOf`) below which two groups are one voice. */
  readonly minSeparation: number;
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
  const groups: Group[] = [];
  for (const [i, item] of items.entries()) {
    const group = groups[label[i]!] ?? groupOf(item.vector.length);
    groups[label[i]!] = group;
    addTo(group, item);
  }
  const apart = apartSeconds(items, label, separations, groups.length);
  const joiner = new GroupJoiner(groups, apart, limits);
  const joinedTo = Int32Array.from(groups, (_, i) => i);
  while (joiner.left > Math.max(1, count.min)) {
    const pair = joiner.leastApart();
    if (pair === null || (pair.distance >= limits.minSeparation && joiner.left <= count.max)) break;
    joiner.join(pair);
    for (const [i, group] of joinedTo.entries()) if (group === pair.b) joinedTo[i] = pair.a;
  }
  return renumber(label.map((group) => joinedTo[group]!));
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

/** Row-major (items, items). The vectors are packed first: a call a pair would take most of the time. */
function similaritiesOf(items: readonly VoiceItem[], trackBonus: number): Float32Array {
  const [count, size] = [items.length, items[0]?.vector.length ?? 0];
  const packed = new Float32Array(count * size);
  for (const [i, { vector }] of items.entries()) packed.set(vector.subarray(0, size), i * size);
  const matrix = new Float32Array(count * count);
  for (let i = 0; i < count; i += 1) {
    for (let j = 0; j < i; j += 1) {
      let value = items[i]!.track === items[j]!.track ? trackBonus : 0;
      for (let d = 0; d < size; d += 1) value += packed[i * size + d]! * packed[j * size + d]!;
      matrix[i * count + j] = value;
      matrix[j * count + i] = value;
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
