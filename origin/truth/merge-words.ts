/** Words of a second attempt → into the words of the first, in time and without doubling. */
import { comparable } from '#origin/truth/comparable-text.ts';
import type { HeardWord } from '#origin/truth/uncovered-speech.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';

/** Words that two attempts may share at a seam; the second one hears a little of the words around its stretch. */
const LONGEST_SEAM = 4;

/** Two attempts place the same word this far apart at most. */
const SEAM_SECONDS = 0.7;

/** How far outside the stretch the middle of a new word may lie. */
const OUTSIDE_SECONDS = 0.1;

export interface MergedWords<W> {
  /** In order, none before the end of the one before. */
  readonly words: readonly W[];
  /** Those of the second attempt among them. */
  readonly added: readonly W[];
}

/**
 * Puts the words found in a stretch between those around it. Words of the first attempt stay; of the second one, words
 * outside the stretch and words said twice at a seam fall away. A word of the first attempt that lies within the
 * stretch (stretched over it) goes where the second attempt says, or between its neighbours.
 *
 * @param first in order
 * @param found in order, in the recording's time
 */
export function mergeWords<W extends HeardWord>(
  first: readonly W[],
  found: readonly W[],
  stretch: Readonly<TimeSpan>,
): MergedWords<W> {
  const inside = found.filter(
    (word) =>
      middleOf(word) > stretch.startSeconds - OUTSIDE_SECONDS &&
      middleOf(word) < stretch.endSeconds + OUTSIDE_SECONDS,
  );
  const middle = (stretch.startSeconds + stretch.endSeconds) / 2;
  const kept = first.filter((word) => !isReplaced(word, inside, stretch));
  const before = kept.filter((word) => middleOf(word) < middle);
  const after = kept.filter((word) => middleOf(word) >= middle);
  const head = sharedAtEnd(before, inside);
  const tail = sharedAtStart(after, inside.slice(head));
  const added = inside.slice(head, inside.length - tail);
  return { words: inOrder([...before, ...added, ...after], new Set(added)), added };
}

/** A word stretched over the skipped speech, found again at its place within it. */
function isReplaced(
  word: HeardWord,
  found: readonly HeardWord[],
  { startSeconds, endSeconds }: Readonly<TimeSpan>,
): boolean {
  const isWithin = word.startSeconds >= startSeconds && word.endSeconds <= endSeconds;
  return isWithin && found.some(({ text }) => comparable(text) === comparable(word.text));
}

/** How many of the first words of `found` are the last ones of `known`, heard twice. */
function sharedAtEnd(known: readonly HeardWord[], found: readonly HeardWord[]): number {
  for (let count = Math.min(LONGEST_SEAM, known.length, found.length); count > 0; count--) {
    if (known.slice(-count).every((word, i) => isSame(word, found[i]))) return count;
  }
  return 0;
}

/** How many of the last words of `found` are the first ones of `known`. */
function sharedAtStart(known: readonly HeardWord[], found: readonly HeardWord[]): number {
  for (let count = Math.min(LONGEST_SEAM, known.length, found.length); count > 0; count--) {
    if (found.slice(-count).every((word, i) => isSame(word, known[i]))) return count;
  }
  return 0;
}

function isSame(a: HeardWord, b: HeardWord | undefined): boolean {
  if (b === undefined) return false;
  const distance = Math.max(a.startSeconds - b.endSeconds, b.startSeconds - a.endSeconds);
  return distance < SEAM_SECONDS && comparable(a.text) === comparable(b.text);
}

/** Where times overlap, new words give way to the old ones behind them, and old ones to the new ones behind them. */
function inOrder<W extends HeardWord>(words: readonly W[], added: ReadonlySet<W>): W[] {
  let earliest = Number.NEGATIVE_INFINITY;
  return words.map((word, i) => {
    const next = words[i + 1];
    const nextOld = words.slice(i + 1).find((later) => !added.has(later));
    const latest = added.has(word)
      ? (nextOld?.startSeconds ?? Number.POSITIVE_INFINITY)
      : next && added.has(next)
        ? Math.max(word.startSeconds, next.startSeconds)
        : Number.POSITIVE_INFINITY;
    const startSeconds = Math.max(earliest, Math.min(word.startSeconds, latest));
    const endSeconds = Math.max(startSeconds, Math.min(word.endSeconds, latest));
    earliest = endSeconds;
    return { ...word, startSeconds, endSeconds };
  });
}

function middleOf({ startSeconds, endSeconds }: HeardWord): number {
  return (startSeconds + endSeconds) / 2;
}
