import { activityAt, FULL_ACTIVITY, type StoredWindow } from '#origin/diarize/activity.ts';
import { bestMatching } from '#origin/diarize/best-matching.ts';

export interface StitchLimits {
  /** Frames in which two local speakers must talk together to be taken for one. */
  readonly minSharedFrames: number;
  /** … and their share of the frames in which either talks. */
  readonly minAgreement: number;
}

/**
 * Gives the local speakers of a window the tracks of the previous window's local speakers, where both are active at the
 * same times in the stretch that both windows see. Who was not heard there begins a new track.
 *
 * @param nextTrack The first track that is free.
 * @returns the first track that is free now.
 */
export function stitch(
  previous: StoredWindow | null,
  window: StoredWindow,
  nextTrack: number,
  limits: StitchLimits,
): number {
  const known = previous === null ? [] : agreementsOf(previous, window);
  const match = bestMatching(known.map((row) => row.map(({ shared }) => shared)));
  const taken = new Map<number, number>();
  for (const [local, other] of match.entries()) {
    const pair = known[local]?.[other];
    if (pair === undefined || previous === null) continue;
    const isOne = pair.shared >= limits.minSharedFrames && pair.agreement >= limits.minAgreement;
    if (isOne && previous.tracks[local]! >= 0) taken.set(other, previous.tracks[local]!);
  }
  let free = nextTrack;
  for (let local = 0; local < window.speakers; local += 1) {
    if (!isHeard(window, local)) continue;
    window.tracks[local] = taken.get(local) ?? free;
    if (window.tracks[local] === free) free += 1;
  }
  return free;
}

interface Agreement {
  /** Frames in which both talk. */
  readonly shared: number;
  /** Of the frames in which either does, 0..1. */
  readonly agreement: number;
}

/** `[previous local][local]` over the frames that both windows have. */
function agreementsOf(previous: StoredWindow, window: StoredWindow): Agreement[][] {
  const from = Math.max(previous.startFrame, window.startFrame);
  const to = Math.min(previous.endFrame, window.endFrame);
  return Array.from({ length: previous.speakers }, (_, a) =>
    Array.from({ length: window.speakers }, (_unused, b) => {
      let [both, either] = [0, 0];
      for (let frame = from; frame < to; frame += 1) {
        const [x, y] = [activityAt(previous, frame, a), activityAt(window, frame, b)];
        both += Math.min(x, y);
        either += Math.max(x, y);
      }
      return { shared: both / FULL_ACTIVITY, agreement: either === 0 ? 0 : both / either };
    }),
  );
}

function isHeard(window: StoredWindow, local: number): boolean {
  for (let frame = window.startFrame; frame < window.endFrame; frame += 1) {
    if (activityAt(window, frame, local) > FULL_ACTIVITY / 2) return true;
  }
  return false;
}
