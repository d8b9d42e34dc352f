import { comparable } from '#origin/truth/comparable-text.ts';

/** A run of equal rounds of words: "no, no, no" is one word in three rounds. */
export interface Repetition {
  /** Index of the first word of the first round. */
  readonly firstWord: number;
  /** After the last word of the last whole round. */
  readonly endWord: number;
  readonly wordsPerRound: number;
  readonly rounds: number;
}

/** Words of a round at most; a longer text that comes again is a refrain. */
const LONGEST_ROUND = 12;

/**
 * The run of repeated words that fills the most words, or null where nothing comes three times in a row. Words are
 * compared by their letters and digits. At most 1,000 words are looked at.
 */
export function longestRepetition(words: readonly string[]): Repetition | null {
  const keys = words.slice(0, 1000).map(comparable);
  let longest: Repetition | null = null;
  for (let period = 1; period <= LONGEST_ROUND; period++) {
    for (let start = 0; start + 3 * period <= keys.length; ) {
      let end = start + period;
      while (end < keys.length && keys[end] === keys[end - period]) end++;
      const rounds = Math.floor((end - start) / period);
      const endWord = start + rounds * period;
      if (rounds >= 3 && endWord - start > (longest ? longest.endWord - longest.firstWord : 0)) {
        longest = { firstWord: start, endWord, wordsPerRound: period, rounds };
      }
      start = Math.max(start + 1, end - period + 1);
    }
  }
  return longest;
}
