import type { TimedWord } from '#test/bench/lib/clips.ts';
import { alignWords, normalizeWords } from '#test/support/wer.ts';

export interface WordTimeErrors {
  readonly referenceWords: number;
  /** Seconds, one number for each reference word that was found; positive = too late. */
  readonly start: readonly number[];
  readonly end: readonly number[];
}

/**
 * Compares the times of the words that both sides have. Words are normalised, aligned by fewest errors, and only equal
 * ones compared; a word that splits ("e-mail") gives its start to the first part and its end to the last.
 */
export function wordTimeErrors(
  reference: readonly TimedWord[],
  hypothesis: readonly TimedWord[],
  language: string,
): WordTimeErrors {
  const [expected, found] = [reference, hypothesis].map((words) => tokens(words, language));
  const { hits } = alignWords(
    expected!.map((token) => token.text),
    found!.map((token) => token.text),
  );
  const start: number[] = [];
  const end: number[] = [];
  for (const [r, h] of hits) {
    const [a, b] = [expected![r]!, found![h]!];
    if (a.startSeconds !== null && b.startSeconds !== null)
      start.push(b.startSeconds - a.startSeconds);
    if (a.endSeconds !== null && b.endSeconds !== null) end.push(b.endSeconds - a.endSeconds);
  }
  return { referenceWords: expected!.length, start, end };
}

interface Token {
  readonly text: string;
  readonly startSeconds: number | null;
  readonly endSeconds: number | null;
}

function tokens(words: readonly TimedWord[], language: string): Token[] {
  return words.flatMap((word) => {
    const parts = normalizeWords(word.word, language);
    return parts.map((text, index) => ({
      text,
      startSeconds: index === 0 ? word.startSeconds : null,
      endSeconds: index === parts.length - 1 ? word.endSeconds : null,
    }));
  });
}
