/**
 * Texts of pieces → texts without what two of them say of the audio that both have. Where pieces do not overlap nothing
 * is taken away, so words that are really spoken twice stay. Pure.
 */

export interface PieceText {
  readonly text: string;
  /** Audio of the piece, seconds. */
  readonly durationSeconds: number;
  /** Of that, what the piece before has, too; 0: nothing. */
  readonly overlapSeconds: number;
}

export interface Stitched {
  /** One for each piece, in order. */
  readonly texts: readonly string[];
  /** Pieces whose overlap with the one before could not be found in the words: both texts are whole, so some words may stand twice. */
  readonly unmatched: readonly number[];
}

export function stitchTexts(pieces: readonly PieceText[]): Stitched {
  const texts = pieces.map(({ text }) => text.trim());
  const unmatched: number[] = [];
  for (const [i, piece] of pieces.entries()) {
    const before = pieces[i - 1];
    const left = texts[i - 1] ?? '';
    const right = texts[i] ?? '';
    if (before === undefined || piece.overlapSeconds <= 0 || left === '' || right === '') continue;
    const join = findJoin(left, right, expectedWords(before, piece));
    if (join === null) {
      unmatched.push(i);
      continue;
    }
    texts[i - 1] = left.slice(0, join.leftEnd).trimEnd();
    texts[i] = right.slice(join.rightStart).trimStart();
  }
  return { texts, unmatched };
}

/** The words of a text as stitching compares them, for tests and reports. */
export function comparableWords(text: string): string[] {
  return listWords(text).map(({ comparable }) => comparable);
}

interface TextWord {
  readonly start: number;
  readonly comparable: string;
}

/** Scripts without spaces are compared letter by letter. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\p{Script=Thai}\\p{Script=Lao}' +
  '\\p{Script=Myanmar}\\p{Script=Khmer}\\p{Script=Tibetan}';
const WORDS = new RegExp(`[${UNSPACED}]\\p{M}*|[^\\s${UNSPACED}]+`, 'gu');

function listWords(text: string): TextWord[] {
  return [...text.matchAll(WORDS)].flatMap((found) => {
    const comparable = found[0]
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}]+/gu, '');
    return comparable === '' ? [] : [{ start: found.index, comparable }];
  });
}

/** How many words the shared audio holds, by how fast both pieces speak. */
function expectedWords(before: PieceText, piece: PieceText): number {
  const rate = ({ text, durationSeconds }: PieceText) =>
    listWords(text).length / Math.max(0.1, durationSeconds);
  return ((rate(before) + rate(piece)) / 2) * piece.overlapSeconds;
}

interface Join {
  /** The left text is kept before this index, the right one from this index on. */
  readonly leftEnd: number;
  readonly rightStart: number;
}

/** A run of words that both texts share around the cut. */
interface Run {
  readonly left: number;
  readonly right: number;
  readonly length: number;
}

/** Windows are searched cell by cell; so fast nobody speaks. */
const MAX_WINDOW_WORDS = 120;

function findJoin(leftText: string, rightText: string, expected: number): Join | null {
  const leftWords = listWords(leftText);
  const rightWords = listWords(rightText);
  const window = Math.min(MAX_WINDOW_WORDS, Math.ceil(2 * expected) + 8);
  const offset = Math.max(0, leftWords.length - window);
  const tail = leftWords.slice(offset);
  const head = rightWords.slice(0, window);
  const run = chooseRun(tail, head, expected);
  if (run === null) return null;
  // In the middle of the run: a piece often ends with a full stop and begins with a capital that nobody meant.
  const kept = Math.ceil(run.length / 2);
  return {
    leftEnd: leftWords[offset + run.left + kept]?.start ?? leftText.length,
    rightStart: rightWords[run.right + kept]?.start ?? rightText.length,
  };
}

function chooseRun(
  tail: readonly TextWord[],
  head: readonly TextWord[],
  expected: number,
): Run | null {
  let best: Run | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let shift = -(head.length - 1); shift < tail.length; shift += 1) {
    for (const run of runsOf(tail, head, shift)) {
      const skipped = tail.length - run.left - run.length + run.right;
      const implied = run.length + skipped;
      // Words at both ends may be misheard, but more must agree than not, and a chance meeting is short.
      if (2 * run.length <= skipped || implied < expected / 4) continue;
      const score =
        2 * run.length - skipped - 3 * Math.abs(implied - expected) * isRepetition(run, tail);
      if (score > bestScore) {
        best = run;
        bestScore = score;
      }
    }
  }
  return best;
}

/** 1 where the run says one thing again and again, so that only its expected length tells where it begins; else a little. */
function isRepetition({ left, length }: Run, tail: readonly TextWord[]): number {
  const words = tail.slice(left, left + length).map(({ comparable }) => comparable);
  return length > 1 && new Set(words).size <= length / 2 ? 1 : 0.05;
}

/** All longest runs of equal words on one diagonal: `tail[i]` beside `head[i - shift]`. */
function* runsOf(
  tail: readonly TextWord[],
  head: readonly TextWord[],
  shift: number,
): Generator<Run> {
  let length = 0;
  for (let i = Math.max(0, shift); i <= tail.length; i += 1) {
    const left = tail[i];
    const right = head[i - shift];
    if (left !== undefined && right !== undefined && left.comparable === right.comparable) {
      length += 1;
      continue;
    }
    if (length > 0) yield { left: i - length, right: i - shift - length, length };
    length = 0;
    if (right === undefined) return;
  }
}
