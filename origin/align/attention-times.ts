import { dynamicTimeWarping } from '#origin/align/dtw.ts';
import { medianFilter } from '#origin/align/median-filter.ts';

/** Cross-attention of a chunk's tokens: row-major (rows, frames), a row for each token and one for the end token. */
export interface TokenAttention {
  readonly weights: Float32Array;
  readonly rows: number;
  readonly frames: number;
}

/** Where each token's stretch begins, and where the decoder looked within it. */
export interface TokenTimes {
  /** Filtered weights over the frames that hold audio. */
  readonly attention: TokenAttention;
  /** First frame of each row's stretch; it ends where the next one begins. Length rows + 1: the last is `frames`. */
  readonly starts: Int32Array;
}

/**
 * Which frames belong to which token: median filter, then the path of the greatest attention through rows and
 * frames. Source: `find_alignment` of openai/whisper.
 *
 * @param frames frames that hold audio; what the model saw after them is padding, where nothing can be said
 */
export function tokenTimes(given: TokenAttention, frames: number): TokenTimes {
  const audio = firstFrames(given, Math.max(1, Math.min(frames, given.frames)));
  const attention = { ...audio, weights: medianFilter(audio.weights, audio) };
  const path = dynamicTimeWarping(
    attention.weights.map((weight) => -weight),
    attention,
  );
  const starts = new Int32Array(attention.rows + 1).fill(attention.frames);
  for (let step = path.rows.length - 1; step >= 0; step--) {
    starts[path.rows[step]!] = path.frames[step]!;
  }
  return { attention, starts };
}

/**
 * The frame at which a token begins to be spoken. The path gives a token every frame since the one before ended, so
 * silence and the onset of a sound count for it although the decoder hardly looks there; and looks are concentrated
 * where the word is. So the stretch begins where {@link LEAD_IN} of its attention (squared weights, which
 * takes out the diffuse part) has passed.
 */
export function onsetFrame(times: TokenTimes, row: number): number {
  const start = times.starts[row]!;
  const end = times.starts[row + 1]!;
  const total = lookedAt(times, row, start, end);
  let passed = 0;
  for (let frame = start; frame < end; frame++) {
    passed += lookedAt(times, row, frame, frame + 1);
    if (passed > LEAD_IN * total) return frame;
  }
  return start;
}

/** How much of a row's attention lies in `[startFrame, endFrame)`: sum of squared positive weights. */
export function lookedAt(
  { attention }: TokenTimes,
  row: number,
  startFrame: number,
  endFrame: number,
): number {
  let sum = 0;
  for (let frame = startFrame; frame < endFrame; frame++) {
    const weight = Math.max(0, attention.weights[row * attention.frames + frame]!);
    sum += weight * weight;
  }
  return sum;
}

/**
 * Measured on 49 words with known times (float32 Whisper base, four languages): median error of starts 0.11 s without,
 * 0.09 at 0.1, 0.06 at 0.2, 0.04 at 0.3. Against the energy's onset after pauses in other recordings the median is unbiased at
 * 0.2 and late beyond, so it stops there.
 */
const LEAD_IN = 0.2;

function firstFrames({ weights, rows, frames }: TokenAttention, count: number): TokenAttention {
  if (count === frames) return { weights, rows, frames };
  const cut = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    cut.set(weights.subarray(row * frames, row * frames + count), row * count);
  }
  return { weights: cut, rows, frames: count };
}
