/**
 * Two models heard the same sound. The words of one have times; the words of the other are wanted. Where both have the
 * same word, or another one in its place, the time is that of the first; between them, letters decide.
 */
import type { AlignedWord } from '#origin/align/words.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';

/** Fewer words in common tell of two different texts. */
const MIN_SHARED = 0.4;
/** One byte each. */
const MAX_CELLS = 4 * 1024 * 1024;

/**
 * Words in order, `start ≤ end`, all within the span. `timing` is `attention` for a word that the other has too, else
 * `estimated`; a word that both have gets the other's score.
 *
 * @param heard with times, in order
 * @returns null where the texts have too little in common
 */
export function lendTimes(
  words: readonly AlignedWord[],
  heard: readonly AlignedWord[],
  span: TimeSpan,
): AlignedWord[] | null {
  if (words.length * heard.length > MAX_CELLS) return null;
  const own = words.map(({ text }) => comparable(text));
  const others = heard.map(({ text }) => comparable(text));
  const partners = findPartners(own, others);
  const shared = partners.filter((partner, i) => partner !== null && others[partner] === own[i]);
  if (shared.length < MIN_SHARED * Math.max(1, words.length)) return null;
  const lent = words.map((word, i): AlignedWord | null => {
    const partner = partners[i] ?? null;
    const other = partner === null ? undefined : heard[partner];
    if (other === undefined || partner === null) return null;
    const { startSeconds, endSeconds } = other;
    const isSame = others[partner] === own[i];
    return {
      ...word,
      startSeconds,
      endSeconds,
      timing: 'attention',
      score: isSame ? other.score : 0,
    };
  });
  return settle(fillGaps(words, lent, span), span);
}

/** Without case, accents of writing and punctuation; punctuation alone stays, so that it is like nothing else. */
function comparable(text: string): string {
  const folded = text.normalize('NFKC').toLowerCase();
  return folded.replace(/[^\p{L}\p{M}\p{N}]+/gu, '') || folded;
}

const [BOTH, OWN, OTHER] = [0, 1, 2];

/** For each word the other's that stands in its place, by the fewest changes (Levenshtein); null for none. */
function findPartners(own: readonly string[], others: readonly string[]): (number | null)[] {
  const width = others.length + 1;
  const steps = new Uint8Array((own.length + 1) * width);
  let above = Float64Array.from({ length: width }, (_, j) => j);
  steps.fill(OTHER, 1, width);
  for (let i = 1; i <= own.length; i += 1) {
    const row = new Float64Array(width);
    row[0] = i;
    steps[i * width] = OWN;
    for (let j = 1; j < width; j += 1) {
      const both = above[j - 1]! + (own[i - 1] === others[j - 1] ? 0 : CHANGE);
      const [ownOnly, otherOnly] = [above[j]! + 1, row[j - 1]! + 1];
      row[j] = Math.min(both, ownOnly, otherOnly);
      steps[i * width + j] = row[j] === both ? BOTH : row[j] === ownOnly ? OWN : OTHER;
    }
    above = row;
  }
  return trace(steps, own.length, width);
}

/** A little more than leaving out one word on either side, so that equal words come first. */
const CHANGE = 1.5;

function trace(steps: Uint8Array, rows: number, width: number): (number | null)[] {
  const partners: (number | null)[] = Array.from({ length: rows }, () => null);
  let [i, j] = [rows, width - 1];
  while (i > 0) {
    const step = steps[i * width + j];
    if (step === BOTH) partners[i - 1] = j - 1;
    if (step !== OTHER) i -= 1;
    if (step !== OWN) j -= 1;
  }
  return partners;
}

/** Words without a partner share the time between their neighbours, by letters. */
function fillGaps(
  words: readonly AlignedWord[],
  lent: readonly (AlignedWord | null)[],
  span: TimeSpan,
): AlignedWord[] {
  const filled: AlignedWord[] = [];
  while (filled.length < words.length) {
    const first = filled.length;
    const known = lent[first];
    if (known) {
      filled.push(known);
      continue;
    }
    const next = lent.findIndex((word, i) => i > first && word !== null);
    const end = next === -1 ? words.length : next;
    const from = filled.at(-1)?.endSeconds ?? span.startSeconds;
    const to = Math.max(from, lent[end]?.startSeconds ?? span.endSeconds);
    const room = { startSeconds: from, endSeconds: to };
    filled.push(...spread(words.slice(first, end), room, first === 0 && next !== -1));
  }
  return filled;
}

/** @param isFirst they end where the next word begins; else they follow the one before */
function spread(words: readonly AlignedWord[], room: TimeSpan, isFirst: boolean): AlignedWord[] {
  const total = words.reduce((sum, { text }) => sum + text.length, 0);
  const all = room.endSeconds - room.startSeconds;
  const seconds = Math.min(all, total * USUAL_LETTER_SECONDS);
  const begin = isFirst ? room.endSeconds - seconds : room.startSeconds;
  let passed = 0;
  return words.map((word) => {
    const startSeconds = begin + (passed / total) * seconds;
    passed += word.text.length;
    const endSeconds = begin + (passed / total) * seconds;
    return { ...word, startSeconds, endSeconds, timing: 'estimated' };
  });
}

/** An easy pace. */
const USUAL_LETTER_SECONDS = 0.08;

function settle(words: readonly AlignedWord[], span: TimeSpan): AlignedWord[] {
  let earliest = span.startSeconds;
  return words.map((word) => {
    const startSeconds = Math.min(span.endSeconds, Math.max(earliest, word.startSeconds));
    const endSeconds = Math.min(span.endSeconds, Math.max(startSeconds, word.endSeconds));
    earliest = endSeconds;
    return { ...word, startSeconds, endSeconds };
  });
}
