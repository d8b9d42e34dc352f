import type { StoredWindow } from '#origin/diarize/activity.ts';
import { type ClusterLimits, type CountLimits, clusterVoices } from '#origin/diarize/cluster.ts';
import { type FrameGeometry, framesCovering, secondsOf } from '#origin/diarize/frame-geometry.ts';
import { separationsOf } from '#origin/diarize/separations.ts';
import type { Stretch } from '#origin/diarize/stretches.ts';
import type { FrameTurn } from '#origin/diarize/turn-builder.ts';
import { dot } from '#origin/diarize/voice-group.ts';

/** The voices of a recording, by what was embedded. */
export interface Voices {
  /** Unit vectors, one for each voice. */
  readonly centroids: readonly Float32Array[];
  /** Voice of each stretch, -1 without a vector. */
  readonly voiceOf: Int32Array;
}

export interface VoiceLimits extends ClusterLimits {
  /** Shorter stretches do not say which voices there are. */
  readonly minItemSeconds: number;
  /** A voice with less speech than this is none, unless as many are asked for. */
  readonly minVoiceSeconds: number;
  /** Most stretches that are compared with one another. */
  readonly maxItems: number;
  /** Both voices of a window talk alone in it at least so long, to be taken for two. */
  readonly minApartSeconds: number;
}

/** Finds the voices among the stretches; then every stretch goes to one. */
export function findVoices(
  windows: readonly StoredWindow[],
  stretches: readonly Stretch[],
  limits: VoiceLimits & { readonly geometry: FrameGeometry },
  count: CountLimits,
): Voices {
  const ids = chooseItems(stretches, limits, count.min);
  const position = new Map(ids.map((id, i) => [id, i]));
  const minSolo = framesCovering(limits.minApartSeconds, limits.geometry);
  const apart = separationsOf(windows, stretches, minSolo).flatMap(([a, b]) => {
    const [i, j] = [position.get(a), position.get(b)];
    return i === undefined || j === undefined ? [] : [[i, j] as const];
  });
  const items = ids.map((id) => {
    const { vector, frames, track } = stretches[id]!;
    return { vector: vector!, seconds: secondsOf(frames, limits.geometry), track };
  });
  const found = clusterVoices(items, apart, limits, count);
  const kept = dropSmall(found, items, limits.minVoiceSeconds, count.min);
  const centroids = centroidsOf(items, kept);
  const voiceOf = new Int32Array(stretches.length).fill(-1);
  for (const [id, { vector }] of stretches.entries()) {
    const voice = kept[position.get(id) ?? -1] ?? -1;
    voiceOf[id] = voice >= 0 || vector === null ? voice : nearest(vector, centroids);
  }
  return { centroids, voiceOf };
}

/**
 * The voices without those that hardly talk in the turns made of them, as far as no more are asked for. Their stretches
 * go to the voices most alike. The same object where all stay.
 */
export function withoutPhantoms(
  voices: Voices,
  turns: readonly FrameTurn[],
  { minVoiceSeconds, geometry }: VoiceLimits & { readonly geometry: FrameGeometry },
  stretches: readonly Stretch[],
  atLeast: number,
): Voices {
  const frames = new Float64Array(voices.centroids.length);
  for (const { speaker, startFrame, endFrame } of turns) frames[speaker]! += endFrame - startFrame;
  const bySpeech = [...frames.keys()].sort((a, b) => frames[b]! - frames[a]! || a - b);
  const minFrames = framesCovering(minVoiceSeconds, geometry);
  const keep = bySpeech
    .filter((voice, n) => n < Math.max(1, atLeast) || frames[voice]! >= minFrames)
    .sort((a, b) => a - b);
  if (keep.length === frames.length) return voices;
  const centroids = keep.map((voice) => voices.centroids[voice]!);
  const voiceOf = voices.voiceOf.map((voice, id) => {
    const kept = keep.indexOf(voice);
    const vector = stretches[id]!.vector;
    return kept >= 0 || vector === null ? kept : nearest(vector, centroids);
  });
  return { centroids, voiceOf };
}

/** Stretches to compare: all long ones, or of very many the longest of each part of the recording. */
function chooseItems(
  stretches: readonly Stretch[],
  { minItemSeconds, maxItems, geometry }: VoiceLimits & { readonly geometry: FrameGeometry },
  atLeast: number,
): number[] {
  const usable = [...stretches.keys()].filter((id) => stretches[id]!.vector !== null);
  const minFrames = framesCovering(minItemSeconds, geometry);
  const long = usable.filter((id) => stretches[id]!.frames >= minFrames);
  const ids = long.length >= Math.max(1, atLeast) ? long : usable;
  if (ids.length <= maxItems) return ids;
  return Array.from({ length: maxItems }, (_, part) => {
    const [from, to] = [part, part + 1].map((n) => Math.floor((n * ids.length) / maxItems));
    const inPart = ids.slice(from, to);
    return inPart.reduce((a, b) => (stretches[b]!.frames > stretches[a]!.frames ? b : a));
  });
}

/** Voices with too little speech lose it, the smallest first; the rest are numbered anew. -1 is none. */
function dropSmall(
  found: Int32Array,
  items: readonly { readonly seconds: number }[],
  minSeconds: number,
  atLeast: number,
): Int32Array {
  const seconds = new Float64Array(Math.max(-1, ...found) + 1);
  for (const [i, voice] of found.entries()) seconds[voice]! += items[i]!.seconds;
  const bySize = [...seconds.keys()].sort((a, b) => seconds[b]! - seconds[a]! || a - b);
  const keep = bySize.filter(
    (voice, n) => n < Math.max(1, atLeast) || seconds[voice]! >= minSeconds,
  );
  const number = new Map(keep.sort((a, b) => a - b).map((voice, n) => [voice, n]));
  return found.map((voice) => number.get(voice) ?? -1);
}

function centroidsOf(
  items: readonly { readonly vector: Float32Array; readonly seconds: number }[],
  voiceOf: Int32Array,
): Float32Array[] {
  const sums: Float64Array[] = [];
  for (const [i, { vector, seconds }] of items.entries()) {
    const voice = voiceOf[i]!;
    if (voice < 0) continue;
    const sum = sums[voice] ?? new Float64Array(vector.length);
    sums[voice] = sum;
    for (let d = 0; d < vector.length; d += 1) sum[d]! += seconds * vector[d]!;
  }
  return sums.map((sum) => {
    const length = Math.sqrt(dot(sum, sum)) || 1;
    return Float32Array.from(sum, (value) => value / length);
  });
}

function nearest(vector: Float32Array, centroids: readonly Float32Array[]): number {
  let best = -1;
  let similarity = Number.NEGATIVE_INFINITY;
  for (const [voice, centroid] of centroids.entries()) {
    const value = dot(vector, centroid);
    if (value > similarity) [best, similarity] = [voice, value];
  }
  return best;
}
