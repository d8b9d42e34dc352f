/** How much of what was said stands in a text, in order. */
import { comparableWords } from '#origin/voxtral/stitch.ts';

export interface WordShare {
  readonly said: number;
  readonly written: number;
  /** Words of both, in the same order: the longest common subsequence. */
  readonly common: number;
}

export function compareWords(said: string, written: string): WordShare {
  const left = comparableWords(said);
  const right = comparableWords(written);
  let row = new Uint32Array(right.length + 1);
  for (const word of left) {
    const next = new Uint32Array(right.length + 1);
    for (const [i, other] of right.entries()) {
      next[i + 1] = word === other ? (row[i] ?? 0) + 1 : Math.max(next[i] ?? 0, row[i + 1] ?? 0);
    }
    row = next;
  }
  return { said: left.length, written: right.length, common: row.at(-1) ?? 0 };
}

/** Neither many words lost nor many added. Numbers and names may be written in other ways. */
export function isFaithful({ said, written, common }: WordShare): boolean {
  return common >= 0.85 * said && common >= 0.85 * written;
}

export function describeShare({ said, written, common }: WordShare): string {
  return `${common} of ${said} words, ${written} written`;
}
