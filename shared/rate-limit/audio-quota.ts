/**
 * Audio seconds per principal and UTC day, as a pure decision over plain data.
 *
 * Checked before the work, charged after it by what was transcribed. Work that failed was never charged, so nothing
 * has ever to be given back. The price: requests that run at the same time may together go over the day's limit,
 * by no more than the recordings that were in work when it was reached.
 */

/** What is remembered of a principal. JSON as it stands. */
export interface AudioState {
  /** Days since 1970-01-01 UTC. */
  readonly day: number;
  /** Whole milliseconds of audio transcribed on that day. */
  readonly usedMs: number;
}

/** May a principal have another recording transcribed. */
export interface AudioOutcome {
  readonly isAllowed: boolean;
  readonly limitSeconds: number;
  readonly usedSeconds: number;
  readonly remainingSeconds: number;
  /** Whole seconds until the next day begins (UTC); 0 when allowed. */
  readonly retryAfterSeconds: number;
}

export const EMPTY_AUDIO_STATE: AudioState = { day: 0, usedMs: 0 };

/** Allowed while anything is left of the day. How long the recording will be is not known yet. */
export function checkAudio(state: AudioState, limitSeconds: number, nowMs: number): AudioOutcome {
  const { usedMs } = ofToday(state, nowMs);
  const remainingMs = Math.max(0, limitSeconds * 1000 - usedMs);
  const isAllowed = remainingMs > 0;
  return {
    isAllowed,
    limitSeconds,
    usedSeconds: usedMs / 1000,
    remainingSeconds: remainingMs / 1000,
    retryAfterSeconds: isAllowed ? 0 : Math.ceil((DAY_MS - positiveRest(nowMs)) / 1000),
  };
}

/**
 * Counts transcribed audio to the day in which its work ended.
 *
 * @throws RangeError when `seconds` is not a length of time.
 */
export function chargeAudio(state: AudioState, seconds: number, nowMs: number): AudioState {
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new RangeError(`${seconds} s of audio cannot be charged`);
  }
  const today = ofToday(state, nowMs);
  return { day: today.day, usedMs: today.usedMs + Math.ceil(seconds * 1000) };
}

/** From this day on the state may be forgotten. */
export function isAudioIdle(state: AudioState, nowMs: number): boolean {
  return ofToday(state, nowMs).usedMs === 0;
}

const DAY_MS = 86_400_000;

/** A clock that goes back over midnight must not give the day anew. */
function ofToday(state: AudioState, nowMs: number): AudioState {
  const day = Math.floor(nowMs / DAY_MS);
  const isClockBack = state.day === day + 1;
  return state.day === day || isClockBack ? state : { day, usedMs: 0 };
}

function positiveRest(nowMs: number): number {
  return nowMs - Math.floor(nowMs / DAY_MS) * DAY_MS;
}
