/**
 * Word error rate: reference and hypothesis → normalised words → Levenshtein alignment → errors per reference word.
 * One normaliser serves this project and the programs it is compared with.
 */

import { numberWords } from '#test/support/number-words.ts';

export interface WordErrors {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** Words in the reference. */
  readonly referenceWords: number;
}

export interface WordAlignment extends WordErrors {
  /** Index pairs [reference, hypothesis] of the words that are equal, in order. */
  readonly hits: readonly (readonly [number, number])[];
}

/**
 * Splits text into words that can be compared:
 * - Unicode NFKC, then lower case; diacritics and ß stay, since they tell words apart in de, es and fr;
 * - apostrophes of every shape are dropped inside a word: "it’s" and "its" are equal;
 * - hyphens, dashes and all other punctuation and symbols separate words: "e-mail" is two;
 * - a comma or point before three digits is dropped: "1,000" is "1000";
 * - with `language` en or de, the whole numbers 0 to 100 become words: "7" is "seven"; otherwise digits stay.
 */
export function normalizeWords(text: string, language?: string): string[] {
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/(?<=\d)[.,](?=\d{3}(?!\d))/gu, '')
    .replace(/(?<=[\p{L}\p{N}])['’‘ʼ´`](?=[\p{L}\p{N}])/gu, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
  if (plain === '') return [];
  return plain.split(' ').flatMap((word) => spellOut(word, language));
}

/** Fewest substitutions, deletions and insertions that turn the reference into the hypothesis. */
export function alignWords(
  reference: readonly string[],
  hypothesis: readonly string[],
): WordAlignment {
  const width = hypothesis.length + 1;
  const costs = editCosts(reference, hypothesis);
  let [r, h] = [reference.length, hypothesis.length];
  let [substitutions, deletions, insertions] = [0, 0, 0];
  const hits: [number, number][] = [];
  while (r > 0 || h > 0) {
    const here = costs[r * width + h]!;
    const equal = r > 0 && h > 0 && reference[r - 1] === hypothesis[h - 1];
    const diagonal = r > 0 && h > 0 ? costs[(r - 1) * width + h - 1]! : Number.POSITIVE_INFINITY;
    if (diagonal + (equal ? 0 : 1) === here) {
      r -= 1;
      h -= 1;
      if (equal) hits.push([r, h]);
      else substitutions += 1;
    } else if (r > 0 && costs[(r - 1) * width + h]! + 1 === here) {
      r -= 1;
      deletions += 1;
    } else {
      h -= 1;
      insertions += 1;
    }
  }
  hits.reverse();
  return { substitutions, deletions, insertions, referenceWords: reference.length, hits };
}

/** Normalises both texts and counts the errors. */
export function wordErrors(reference: string, hypothesis: string, language?: string): WordErrors {
  const { hits: _, ...errors } = alignWords(
    normalizeWords(reference, language),
    normalizeWords(hypothesis, language),
  );
  return errors;
}

/** Errors of all texts over words of all references; 0 for no reference words and no errors, else Infinity. */
export function errorRate(counts: readonly WordErrors[]): number {
  const errors = sum(counts.map((c) => c.substitutions + c.deletions + c.insertions));
  if (errors === 0) return 0;
  return errors / sum(counts.map((c) => c.referenceWords));
}

/** Row-major (reference + 1, hypothesis + 1): cost of turning the first r words into the first h. */
function editCosts(reference: readonly string[], hypothesis: readonly string[]): Uint32Array {
  const width = hypothesis.length + 1;
  const costs = new Uint32Array((reference.length + 1) * width);
  for (let h = 0; h < width; h += 1) costs[h] = h;
  for (let r = 1; r <= reference.length; r += 1) {
    costs[r * width] = r;
    for (let h = 1; h < width; h += 1) {
      const above = (r - 1) * width + h;
      const substitution = costs[above - 1]! + (reference[r - 1] === hypothesis[h - 1] ? 0 : 1);
      costs[r * width + h] = Math.min(
        substitution,
        costs[above]! + 1,
        costs[r * width + h - 1]! + 1,
      );
    }
  }
  return costs;
}

function spellOut(word: string, language: string | undefined): string[] {
  if (language === undefined || !/^\d{1,3}$/.test(word)) return [word];
  return (numberWords(Number(word), language) ?? word).split(' ');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
