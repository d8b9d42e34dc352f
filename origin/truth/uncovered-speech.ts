/**
 * Speech that voice activity heard and that got no words. The times of words are not exact, and a word may have been
 * stretched over speech that was skipped: so a word covers no more than it can take to say.
 */
import { letterCount } from '#origin/truth/comparable-text.ts';
import { joinSpans, overlapSeconds, secondsOf, subtractSpans } from '#origin/truth/spans.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';

export interface HeardWord extends Readonly<TimeSpan> {
  readonly text: string;
}

/** Shorter stretches are breaths, hesitations and the inexactness of word times. */
export const SHORTEST_UNCOVERED_SECONDS = 0.8;

/** How far from a word's time its speech may lie. */
const TOLERANCE_SECONDS = 0.2;

/** Pieces of speech with a shorter pause between them are decoded together. */
const JOINED_GAP_SECONDS = 0.6;

/**
 * Stretches with at least {@link SHORTEST_UNCOVERED_SECONDS} of speech and no words, in order.
 *
 * @param words in order
 * @param speech what voice activity found, in order
 */
export function uncoveredSpeech(
  words: readonly HeardWord[],
  speech: readonly Readonly<TimeSpan>[],
): TimeSpan[] {
  const covered = words
    .map((word) => coveredBy(word, speech))
    .sort((a, b) => a.startSeconds - b.startSeconds);
  const rest = subtractSpans(speech, covered);
  return joinSpans(rest, JOINED_GAP_SECONDS).filter(
    (stretch) =>
      secondsOf(rest.filter((part) => overlapSeconds(part, stretch) > 0)) >=
      SHORTEST_UNCOVERED_SECONDS,
  );
}

/** A word's own time, widened by the tolerance; none at all for one that holds much more speech than it can fill. */
function coveredBy(word: HeardWord, speech: readonly Readonly<TimeSpan>[]): TimeSpan {
  const heard = speech.reduce((sum, span) => sum + overlapSeconds(span, word), 0);
  const isStretched = heard > longestSeconds(word.text) + SHORTEST_UNCOVERED_SECONDS;
  const middle = (word.startSeconds + word.endSeconds) / 2;
  if (isStretched) return { startSeconds: middle, endSeconds: middle };
  return {
    startSeconds: word.startSeconds - TOLERANCE_SECONDS,
    endSeconds: word.endSeconds + TOLERANCE_SECONDS,
  };
}

/** However slowly it is said, the text cannot fill the speech: some of it was skipped. */
export function isTooShortFor(text: string, speech: readonly Readonly<TimeSpan>[]): boolean {
  const words = text
    .trim()
    .split(/\s+/u)
    .filter((word) => word !== '');
  const longest = words.reduce((sum, word) => sum + longestSeconds(word), 0);
  return secondsOf(speech) > longest + SHORTEST_UNCOVERED_SECONDS;
}

/** What even a slow speaker needs at most. A numeral or a sign of a script without spaces is a whole syllable or more. */
export function longestSeconds(text: string): number {
  const syllables =
    text.match(/[\p{N}\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}]/gu)?.length ?? 0;
  return 0.8 + 0.1 * letterCount(text) + 0.4 * syllables;
}
