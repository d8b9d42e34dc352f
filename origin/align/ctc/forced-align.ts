/**
 * Forced alignment: log-probabilities of a CTC model and the signs that were spoken → which frames are whose.
 *
 * The way through the trellis is torchaudio's `forced_align` (a state for each sign, one for the blank before, between
 * and after), with two additions for text that does not cover the sound. Both read the wildcard's column, the
 * likeliest sign of a frame whatever it is:
 * - The blank where words meet may also be the delimiter, or, at a price, any sign: noise at a chunk's ends and
 *   words that were not written fall there, in place of stretching the words beside them. It is the `<star>` of MMS at
 *   both ends and between all words; the price keeps it from taking frames that a written sign explains nearly as well.
 * - A target may be the wildcard itself, for what is spoken but has no sign ("26"). It is never blank by force: it
 *   takes blanks and signs alike for nothing, and so all frames between its neighbours.
 */
import {
  type AlignmentPath,
  type AlignmentTargets,
  backtrack,
  type EmissionMatrix,
  searchSteps,
} from '#origin/align/ctc/trellis.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** Why a chunk cannot be aligned. The caller keeps the times it has. */
export type AlignmentFailure =
  /** More signs than frames: the text cannot have been spoken in this time. */
  | { readonly reason: 'too-few-frames'; readonly frames: number; readonly neededFrames: number }
  /** Chunk and text are far beyond what one chunk of speech holds. */
  | { readonly reason: 'too-large'; readonly frames: number; readonly targets: number };

/**
 * The likeliest way of the targets through the frames. Values that are no numbers or below -1000 count as -1000, so
 * that a column of -Infinity is unlikely and not impossible.
 *
 * @throws RangeError when shapes or columns do not fit together
 */
export function forcedAlign(
  emissions: EmissionMatrix,
  targets: AlignmentTargets,
): Result<AlignmentPath, AlignmentFailure> {
  checkShapes(emissions, targets);
  const { frames } = emissions;
  const count = targets.columns.length;
  if (frames * (2 * count + 1) > MAX_CELLS) {
    return fail({ reason: 'too-large', frames, targets: count });
  }
  const neededFrames = count + repeats(targets.columns);
  if (neededFrames > frames) return fail({ reason: 'too-few-frames', frames, neededFrames });
  return ok(backtrack(searchSteps(emissions, targets), { frames, targets: count }));
}

/** A byte each. 30 s of speech are 1500 frames; ten times as dense as the fastest speech is 5 million cells. */
const MAX_CELLS = 32 * 1024 * 1024;

/** Two equal signs in a row need a blank between them. */
function repeats(columns: Int32Array): number {
  let count = 0;
  for (let index = 1; index < columns.length; index++) {
    if (columns[index] === columns[index - 1]) count++;
  }
  return count;
}

function checkShapes(emissions: EmissionMatrix, targets: AlignmentTargets): void {
  const { logProbs, frames, width, blankColumn, delimiterColumn } = emissions;
  if (logProbs.length !== frames * width) {
    throw new RangeError(`${logProbs.length} values are not ${frames} frames of ${width} columns.`);
  }
  if (targets.boundaries.length !== targets.columns.length + 1) {
    throw new RangeError(
      `${targets.boundaries.length} boundaries for ${targets.columns.length} targets.`,
    );
  }
  for (const column of [blankColumn, delimiterColumn ?? 0, ...targets.columns]) {
    if (column < 0 || column >= width) throw new RangeError(`There is no column ${column}.`);
  }
}
