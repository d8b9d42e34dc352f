/** Words over sounds that are no speech, within a text that is otherwise good: the end of a video's music, a cough. */
import { isBoilerplate } from '#origin/truth/boilerplate.ts';
import { overlapSeconds } from '#origin/truth/spans.ts';
import type { HeardWord } from '#origin/truth/uncovered-speech.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';

export interface ScoredWord extends HeardWord {
  /** Mean probability of its tokens, 0..1. */
  readonly score: number;
  readonly alignmentScore?: number;
  readonly spaceBefore: boolean;
}

/** A run of words `[firstWord, endWord)` that nobody said. */
export interface StrayText {
  readonly firstWord: number;
  readonly endWord: number;
  readonly reason: string;
}

/** Speech this near to a word may be its own: neither end is exact. */
const NEAR_SECONDS = 0.3;

/** Mean probability below which words without speech are not believed. */
const LEAST_SCORE = 0.3;

/** Shorter words have no time: the alignment found no sound for them. */
const TIMELESS_SECONDS = 0.03;

/**
 * Runs of words that lie outside all speech, or have no time at all, and that the model is not sure of or is known to
 * invent. Only at the ends of the text or between sentences, since within a sentence a word without time is
 * a slip of the alignment.
 *
 * @param speech what voice activity found, in order; none: nothing is judged
 */
export function strayText(
  words: readonly ScoredWord[],
  speech: readonly Readonly<TimeSpan>[],
): StrayText[] {
  if (speech.length === 0) return [];
  const stray: StrayText[] = [];
  for (const { firstWord, endWord } of sentencesOf(words)) {
    const sentence = words.slice(firstWord, endWord);
    if (!sentence.every((word) => isOutside(word, speech))) continue;
    const reason = whyInvented(sentence);
    if (reason !== null) stray.push({ firstWord, endWord, reason });
  }
  return stray;
}

/** Share of words to which the alignment gives no time: it found no sound for them. One word alone says nothing. */
export function timelessShare(words: readonly HeardWord[]): number {
  return words.length < 2 ? 0 : words.filter(isTimeless).length / words.length;
}

/** The text of words, with the spaces that were between them. */
export function textOfWords(words: readonly ScoredWord[]): string {
  return words
    .map(({ text, spaceBefore }, i) => (i > 0 && spaceBefore ? ` ${text}` : text))
    .join('');
}

function whyInvented(sentence: readonly ScoredWord[]): string | null {
  const score = sentence.reduce((sum, word) => sum + word.score, 0) / sentence.length;
  if (isBoilerplate(textOfWords(sentence))) {
    return 'the model is known to invent it where nobody speaks';
  }
  return score < LEAST_SCORE ? 'nobody speaks there' : null;
}

function isOutside(word: ScoredWord, speech: readonly Readonly<TimeSpan>[]): boolean {
  if (isTimeless(word)) return true;
  const near = {
    startSeconds: word.startSeconds - NEAR_SECONDS,
    endSeconds: word.endSeconds + NEAR_SECONDS,
  };
  return speech.every((span) => overlapSeconds(span, near) === 0);
}

function isTimeless({ startSeconds, endSeconds }: HeardWord): boolean {
  return endSeconds - startSeconds < TIMELESS_SECONDS;
}

function sentencesOf(words: readonly ScoredWord[]): Omit<StrayText, 'reason'>[] {
  const sentences: Omit<StrayText, 'reason'>[] = [];
  let firstWord = 0;
  words.forEach(({ text }, i) => {
    if (i < words.length - 1 && !/[.!?…。！？؟।]["'”’»」』)\]]*$/u.test(text)) return;
    sentences.push({ firstWord, endWord: i + 1 });
    firstWord = i + 1;
  });
  return sentences;
}
