import { activityAt, FULL_ACTIVITY, type StoredWindow } from '#origin/diarize/activity.ts';
import type { Stretch } from '#origin/diarize/stretches.ts';

/**
 * Pairs of stretches that the segmentation model heard as two voices in one window: both lie in it, in different local
 * speakers, of which each talks alone in it for some time.
 *
 * @param minSoloFrames What both need in the window.
 * @returns pairs of ids, the smaller one first, each once.
 */
export function separationsOf(
  windows: readonly StoredWindow[],
  stretches: readonly Stretch[],
  minSoloFrames: number,
): [number, number][] {
  const ids = [...stretches.keys()].sort((a, b) => startOf(stretches, a) - startOf(stretches, b));
  const pairs = new Map<number, [number, number]>();
  let first = 0;
  for (const window of windows) {
    while (first < ids.length && endOf(stretches, ids[first]!) <= window.startFrame) first += 1;
    const solid = solidTracks(window, minSoloFrames);
    const inside: number[] = [];
    for (let i = first; i < ids.length; i += 1) {
      const id = ids[i]!;
      if (startOf(stretches, id) >= window.endFrame) break;
      if (solid.has(stretches[id]!.track) && framesIn(stretches[id]!, window) > 0) inside.push(id);
    }
    for (const a of inside) {
      for (const b of inside) {
        if (a >= b || stretches[a]!.track === stretches[b]!.track) continue;
        pairs.set(a * stretches.length + b, [a, b]);
      }
    }
  }
  return [...pairs.values()];
}

/** Frames of the stretch that lie in the window. */
export function framesIn({ ranges }: Stretch, window: StoredWindow): number {
  let frames = 0;
  for (const { startFrame, endFrame } of ranges) {
    const shared = Math.min(endFrame, window.endFrame) - Math.max(startFrame, window.startFrame);
    frames += Math.max(0, shared);
  }
  return frames;
}

function solidTracks(window: StoredWindow, minSoloFrames: number): Set<number> {
  const solo = new Int32Array(window.speakers);
  for (let frame = window.startFrame; frame < window.endFrame; frame += 1) {
    let [talking, who] = [0, -1];
    for (let local = 0; local < window.speakers; local += 1) {
      if (activityAt(window, frame, local) <= FULL_ACTIVITY / 2) continue;
      talking += 1;
      who = local;
    }
    if (talking === 1) solo[who]! += 1;
  }
  return new Set([...window.tracks].filter((_, local) => solo[local]! >= minSoloFrames));
}

function startOf(stretches: readonly Stretch[], id: number): number {
  return stretches[id]!.ranges[0]?.startFrame ?? 0;
}

function endOf(stretches: readonly Stretch[], id: number): number {
  return stretches[id]!.ranges.at(-1)?.endFrame ?? 0;
}
