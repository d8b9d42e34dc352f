/**
 * Concatenated minimum-permutation word error rate: each speaker's words are joined, the speakers of both sides are
 * paired so that the errors are fewest, and the errors of all pairs are counted. A speaker without a partner costs all
 * of its words. Wrong words and words at the wrong speaker are both errors.
 */

import { bestMatching } from '#origin/diarize/best-matching.ts';
import { alignWords, normalizeWords, type WordErrors } from '#test/support/wer.ts';

export interface SpokenText {
  readonly speaker: string;
  readonly text: string;
}

/** Texts of one speaker are joined in the order given. */
export function cpWordErrors(
  reference: readonly SpokenText[],
  hypothesis: readonly SpokenText[],
  language?: string,
): WordErrors {
  const expected = wordsBySpeaker(reference, language);
  const found = wordsBySpeaker(hypothesis, language);
  const alone = expected.map((words) => words.length);
  // What a pair saves over both sides standing alone, where the words of each are errors.
  const costs = expected.map((words) => found.map((other) => alignWords(words, other)));
  const saved = costs.map((row, r) =>
    row.map((cost, h) => alone[r]! + found[h]!.length - errorsOf(cost)),
  );
  const match = bestMatching(saved);
  const total = { substitutions: 0, deletions: 0, insertions: 0, referenceWords: 0 };
  for (const [r, words] of expected.entries()) {
    const pair = match[r]! >= 0 ? costs[r]![match[r]!]! : alignWords(words, []);
    total.substitutions += pair.substitutions;
    total.deletions += pair.deletions;
    total.insertions += pair.insertions;
    total.referenceWords += words.length;
  }
  const paired = new Set(match);
  for (const [h, words] of found.entries()) if (!paired.has(h)) total.insertions += words.length;
  return total;
}

/** Words at the wrong speaker, of those that both sides have, after the pairing of speakers that explains most. */
export function wrongSpeakers(
  reference: readonly SpokenText[],
  hypothesis: readonly SpokenText[],
  language?: string,
): { readonly wrong: number; readonly compared: number } {
  const [expected, found] = [reference, hypothesis].map((texts) => tagged(texts, language));
  const { hits } = alignWords(
    expected!.map(({ text }) => text),
    found!.map(({ text }) => text),
  );
  const pairs = hits.map(([r, h]) => [expected![r]!.speaker, found![h]!.speaker] as const);
  const names = [0, 1].map((side) => [...new Set(pairs.map((pair) => pair[side]!))]);
  const together = names[0]!.map((a) =>
    names[1]!.map((b) => pairs.filter(([x, y]) => x === a && y === b).length),
  );
  const right = bestMatching(together).reduce(
    (sum, column, row) => sum + (column >= 0 ? together[row]![column]! : 0),
    0,
  );
  return { wrong: hits.length - right, compared: hits.length };
}

function tagged(texts: readonly SpokenText[], language: string | undefined): SpokenText[] {
  return texts.flatMap(({ speaker, text }) =>
    normalizeWords(text, language).map((word) => ({ speaker, text: word })),
  );
}

function wordsBySpeaker(texts: readonly SpokenText[], language: string | undefined): string[][] {
  const bySpeaker = new Map<string, string[]>();
  for (const { speaker, text } of texts) {
    const words = bySpeaker.get(speaker) ?? [];
    words.push(...normalizeWords(text, language));
    bySpeaker.set(speaker, words);
  }
  return [...bySpeaker.values()];
}

function errorsOf({ substitutions, deletions, insertions }: WordErrors): number {
  return substitutions + deletions + insertions;
}
