/** The words of one subtitle → its lines: as few as possible, about equally long, broken after clauses. */
import type { SubtitleWord } from '#shared/format/subtitle-words.ts';

export interface LineLimits {
  /** Columns. */
  readonly maxLineWidth: number;
  readonly maxLineCount: number;
  readonly maxWordsPerLine: number;
}

/** A word, or the speaker's name before the first one, which counts for the width alone. */
export type LineWord = Pick<SubtitleWord, 'text' | 'hasSpaceBefore' | 'width' | 'ending'> & {
  readonly isLabel?: boolean;
};

/** Fills lines one after another, which shows whether words fit in. A word too long for any line has one alone. */
export class LineFiller {
  readonly #limits: LineLimits;
  #width = 0;
  #words = 0;
  #lines = 0;

  constructor(limits: LineLimits) {
    this.#limits = limits;
  }

  /** Takes one more word; says how many lines there are now. */
  add(word: LineWord): number {
    const width = this.#width + (word.hasSpaceBefore ? 1 : 0) + word.width;
    const words = this.#words + (word.isLabel === true ? 0 : 1);
    const fits = width <= this.#limits.maxLineWidth && words <= this.#limits.maxWordsPerLine;
    if (this.#lines > 0 && fits) {
      this.#width = width;
      this.#words = words;
    } else {
      this.#lines++;
      this.#width = word.width;
      this.#words = word.isLabel === true ? 0 : 1;
    }
    return this.#lines;
  }
}

/** Breaks words into lines; `maxLineCount` lines at most, even where a line becomes too long by that. */
export function breakLines<Item extends LineWord>(
  words: readonly Item[],
  limits: LineLimits,
): Item[][] {
  const filler = new LineFiller(limits);
  const needed = words.reduce((_, word) => filler.add(word), 0);
  if (needed <= 1 || limits.maxLineCount === 1) return words.length === 0 ? [] : [[...words]];
  const lineCount = Math.min(needed, limits.maxLineCount);
  const starts = findBestStarts(words, { ...limits, lineCount });
  return starts.map((start, line) => words.slice(start, starts[line + 1] ?? words.length));
}

/** In what the square of a full line costs: to avoid a break in mid-clause, lines may differ by half their width. */
const BREAK_COST = { sentence: 0, clause: 0.02, none: 0.16 } as const;
const TOO_WIDE_COST = 1000;

/** Dynamic programme: `costs[line][end]` is the least cost of the first `end` words in `line` lines. */
function findBestStarts(
  words: readonly LineWord[],
  limits: LineLimits & { lineCount: number },
): number[] {
  const { lineCount } = limits;
  const costs = [[0]];
  const froms: number[][] = [[]];
  for (let line = 1; line <= lineCount; line++) {
    const row = new Array<number>(words.length + 1).fill(Number.POSITIVE_INFINITY);
    const from = new Array<number>(words.length + 1).fill(0);
    for (let end = line; end <= words.length; end++) {
      for (const { start, cost } of lineCandidates(words, end, limits)) {
        const total = (costs[line - 1]?.[start] ?? Number.POSITIVE_INFINITY) + cost;
        if (total < (row[end] ?? 0)) {
          row[end] = total;
          from[end] = start;
        }
      }
    }
    costs.push(row);
    froms.push(from);
  }
  return walkBack(froms, words.length, lineCount);
}

/** Lines that end before `end`: all that fit, and the word alone; all of them where nothing else is possible. */
function* lineCandidates(words: readonly LineWord[], end: number, limits: LineLimits) {
  const ending = words[end - 1]?.ending ?? 'none';
  const breakCost = end === words.length ? 0 : BREAK_COST[ending];
  let width = 0;
  let count = 0;
  for (let start = end - 1; start >= 0; start--) {
    const word = words[start];
    if (word === undefined) return;
    const spaceAfter = start + 1 < end && words[start + 1]?.hasSpaceBefore === true ? 1 : 0;
    width += word.width + spaceAfter;
    count += word.isLabel === true ? 0 : 1;
    const isTooLong = width > limits.maxLineWidth || count > limits.maxWordsPerLine;
    const penalty = isTooLong && start < end - 1 ? TOO_WIDE_COST : 0;
    yield { start, cost: (width / limits.maxLineWidth) ** 2 + breakCost + penalty };
  }
}

function walkBack(froms: readonly number[][], end: number, lineCount: number): number[] {
  const starts: number[] = [];
  for (let line = lineCount, at = end; line >= 1; line--) {
    at = froms[line]?.[at] ?? 0;
    starts.unshift(at);
  }
  return starts;
}
