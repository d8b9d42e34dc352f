/**
 * Words → subtitles. A dynamic programme over all ways to cut finds the one with the least cost: subtitles end with
 * sentences, else with clauses or pauses; none is crowded, none flashes by, and none is longer than seven seconds.
 */
import { LineFiller, type LineLimits, type LineWord } from '#shared/format/break-lines.ts';
import type { SubtitleWord } from '#shared/format/subtitle-words.ts';

export interface CueLimits extends LineLimits {
  /** Stands before the first word of every subtitle. */
  readonly label?: LineWord;
}

/** Cuts the words of one speaker. Every word is in one subtitle, in order. */
export function cutCues(words: readonly SubtitleWord[], limits: CueLimits): SubtitleWord[][] {
  return splitAtSilence(words).flatMap((stretch) => cutStretch(stretch, limits));
}

/** A subtitle that stays over so long a silence would be read long before. */
const SILENCE_MS = 1500;
const MAX_CUE_MS = 7000;
/** Bounds the search where limits are wide and words without width or time. */
const MAX_CUE_WORDS = 300;

const CUE_COST = 2;
const MID_CLAUSE_COST = 4;
const CLAUSE_COST = 1;
/** For going on after a sentence: above `CUE_COST`, so that only sentences that flash by are put together. */
const INNER_SENTENCE_COST = 3;
const PAUSE_MS = 300;
const INNER_PAUSE_MS = 600;
const SHORT_MS = 1000;
const SHORT_COST = 3;
/** Usual upper bound for adults; letters of full width count twice, which suits them too. */
const COLUMNS_PER_SECOND = 20;
const CROWDED_COST = 3;
/** How long a subtitle may stay after its last word. */
const AFTER_MS = 1000;

function splitAtSilence(words: readonly SubtitleWord[]): SubtitleWord[][] {
  const stretches: SubtitleWord[][] = [];
  let lastEndMs = Number.NEGATIVE_INFINITY;
  for (const word of words) {
    if (word.startMs - lastEndMs >= SILENCE_MS) stretches.push([word]);
    else stretches.at(-1)?.push(word);
    lastEndMs = word.endMs;
  }
  return stretches;
}

function cutStretch(words: readonly SubtitleWord[], limits: CueLimits): SubtitleWord[][] {
  const costs = new Array<number>(words.length + 1).fill(Number.POSITIVE_INFINITY);
  const starts = new Array<number>(words.length + 1).fill(0);
  costs[0] = 0;
  for (let start = 0; start < words.length; start++) {
    const before = costs[start] ?? 0;
    for (const { end, cost } of cuesFrom(words, start, limits)) {
      if (before + cost < (costs[end] ?? 0)) {
        costs[end] = before + cost;
        starts[end] = start;
      }
    }
  }
  const cues: SubtitleWord[][] = [];
  for (let end = words.length; end > 0; end = starts[end] ?? 0) {
    cues.unshift(words.slice(starts[end], end));
  }
  return cues;
}

/** All subtitles that begin with a word: it alone in any case, and with as many more as there is room and time for. */
function* cuesFrom(words: readonly SubtitleWord[], start: number, limits: CueLimits) {
  const filler = new LineFiller(limits);
  if (limits.label !== undefined) filler.add(limits.label);
  const startMs = words[start]?.startMs ?? 0;
  let columns = 0;
  let innerCost = 0;
  for (let end = start + 1; end <= Math.min(words.length, start + MAX_CUE_WORDS); end++) {
    const word = words[end - 1];
    if (word === undefined) return;
    const fits = filler.add(word) <= limits.maxLineCount && word.endMs - startMs <= MAX_CUE_MS;
    if (!fits && end > start + 1) return;
    columns += word.width + 1;
    const next = words[end];
    yield {
      end,
      cost: innerCost + boundaryCost(word, next) + showCost(startMs, word, next, columns),
    };
    innerCost += goOnCost(word, next);
  }
}

function pauseAfter(word: SubtitleWord, next: SubtitleWord | undefined): number {
  return next === undefined ? Number.POSITIVE_INFINITY : next.startMs - word.endMs;
}

/** For ending a subtitle after a word. */
function boundaryCost(word: SubtitleWord, next: SubtitleWord | undefined): number {
  if (next === undefined || word.ending === 'sentence') return CUE_COST;
  const isPause = pauseAfter(word, next) >= PAUSE_MS;
  if (word.ending === 'clause') return CUE_COST + (isPause ? CLAUSE_COST / 2 : CLAUSE_COST);
  return CUE_COST + (isPause ? CLAUSE_COST : MID_CLAUSE_COST);
}

/** For not ending it there. */
function goOnCost(word: SubtitleWord, next: SubtitleWord | undefined): number {
  const pauseMs = pauseAfter(word, next);
  const pauseCost = pauseMs >= INNER_PAUSE_MS ? (2 * pauseMs) / INNER_PAUSE_MS : 0;
  return (word.ending === 'sentence' ? INNER_SENTENCE_COST : 0) + pauseCost;
}

/** For being short, and for being too much to read in the time until the next one. */
function showCost(
  startMs: number,
  last: SubtitleWord,
  next: SubtitleWord | undefined,
  columns: number,
): number {
  const spokenMs = last.endMs - startMs;
  const shownMs = spokenMs + Math.min(AFTER_MS, Math.max(0, pauseAfter(last, next)));
  const shortCost = SHORT_COST * Math.max(0, 1 - shownMs / SHORT_MS);
  const columnsPerSecond = (columns * 1000) / Math.max(1, shownMs);
  const crowdedCost = CROWDED_COST * Math.max(0, columnsPerSecond / COLUMNS_PER_SECOND - 1);
  return shortCost + Math.min(crowdedCost, 2 * CROWDED_COST);
}
