import { activityAt, FULL_ACTIVITY, type StoredWindow } from '#origin/diarize/activity.ts';
import { bestMatching } from '#origin/diarize/best-matching.ts';
import { framesIn } from '#origin/diarize/separations.ts';
import type { Stretch } from '#origin/diarize/stretches.ts';
import { dot } from '#origin/diarize/voice-group.ts';
import type { Voices } from '#origin/diarize/voices.ts';

/** How much the voice that clustering gave a stretch counts beside its cosine to the voices. */
const LABEL_WEIGHT = 0.15;
/** Stretches outside a window count less for it: they only help where the window has too few of its own. */
const OUTSIDE_WEIGHT = 0.05;
/** Windows on either side that say which voice a local speaker without any stretch may be. */
const NEIGHBOURS = 4;

/**
 * Gives each local speaker of each window a voice, by the stretches of its track, and no voice twice in one window. Who
 * has no stretch (always talked over, or too short) gets the voice that talks nearby and is not in the window yet.
 *
 * @returns for each window, the voice of each local speaker, or -1.
 */
export function assignVoices(
  windows: readonly StoredWindow[],
  stretches: readonly Stretch[],
  voices: Voices,
): Int32Array[] {
  const byTrack = new Map<number, number[]>();
  for (const [id, { track, vector }] of stretches.entries()) {
    if (vector === null) continue;
    const ids = byTrack.get(track) ?? [];
    ids.push(id);
    byTrack.set(track, ids);
  }
  const likeness = stretches.map(({ vector }, id) => likenessOf(vector, id, voices));
  const given = windows.map((window) => {
    const scores = [...window.tracks].map((track) =>
      scoresOf(window, byTrack.get(track) ?? [], stretches, likeness, voices.centroids.length),
    );
    return Int32Array.from(bestMatching(scores));
  });
  for (const [w, window] of windows.entries()) giveRest(window, w, given);
  return given;
}

/** Similarity to each voice, 0..1.15. */
function likenessOf(vector: Float32Array | null, id: number, voices: Voices): Float64Array {
  return Float64Array.from(voices.centroids, (centroid, voice) => {
    if (vector === null) return 0;
    const label = voices.voiceOf[id] === voice ? LABEL_WEIGHT : 0;
    return Math.max(0, dot(vector, centroid)) + label;
  });
}

function scoresOf(
  window: StoredWindow,
  ids: readonly number[],
  stretches: readonly Stretch[],
  likeness: readonly Float64Array[],
  voices: number,
): Float64Array {
  const scores = new Float64Array(voices);
  for (const id of nearWindow(window, ids, stretches)) {
    const stretch = stretches[id]!;
    const weight = framesIn(stretch, window) + OUTSIDE_WEIGHT * stretch.frames;
    for (let voice = 0; voice < voices; voice += 1)
      scores[voice]! += weight * likeness[id]![voice]!;
  }
  return scores;
}

/** Of a track's stretches (in order of time), those within a window's length of the window. */
function nearWindow(
  window: StoredWindow,
  ids: readonly number[],
  stretches: readonly Stretch[],
): number[] {
  const reach = window.endFrame - window.startFrame;
  const startOf = (id: number) => stretches[id]!.ranges[0]!.startFrame;
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(ids[middle]!) < window.startFrame - 2 * reach) low = middle + 1;
    else high = middle;
  }
  const near: number[] = [];
  for (let i = low; i < ids.length && startOf(ids[i]!) < window.endFrame + reach; i += 1) {
    near.push(ids[i]!);
  }
  return near;
}

/** Voices for the local speakers of a window that talk and have none. */
function giveRest(window: StoredWindow, w: number, given: readonly Int32Array[]): void {
  const mine = given[w]!;
  for (let local = 0; local < window.speakers; local += 1) {
    if (window.tracks[local]! < 0 || mine[local]! >= 0) continue;
    const voice = nearbyVoice(w, given, new Set(mine));
    if (voice >= 0 && isHeard(window, local)) mine[local] = voice;
  }
}

/** The voice that is given most often in the nearest windows, among those that are not taken. */
function nearbyVoice(w: number, given: readonly Int32Array[], taken: ReadonlySet<number>): number {
  const votes = new Map<number, number>();
  const from = Math.max(0, w - NEIGHBOURS);
  for (let other = from; other <= w + NEIGHBOURS && other < given.length; other += 1) {
    for (const voice of given[other]!) {
      if (voice < 0 || taken.has(voice)) continue;
      votes.set(voice, (votes.get(voice) ?? 0) + 1 / (1 + Math.abs(other - w)));
    }
  }
  return [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]?.[0] ?? -1;
}

function isHeard(window: StoredWindow, local: number): boolean {
  for (let frame = window.startFrame; frame < window.endFrame; frame += 1) {
    if (activityAt(window, frame, local) > FULL_ACTIVITY / 2) return true;
  }
  return false;
}
