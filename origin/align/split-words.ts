import { endsUnspaced, startsUnspaced, startsWithMark } from '#origin/align/unspaced-scripts.ts';

/** A word as a run of tokens. */
export interface TokenWord {
  /** With its punctuation, without space around it. */
  readonly text: string;
  /** The text had a space before this word. */
  readonly spaceBefore: boolean;
  /** Tokens of the spoken part, without punctuation around it: `[firstToken, endToken)`. */
  readonly firstToken: number;
  readonly endToken: number;
}

/**
 * Groups tokens into words. A word begins at a space, or at a letter of a script without spaces (each token of whole
 * characters is then a word, as in openai/whisper). Punctuation belongs to the word before it, and opening
 * punctuation to the word after it; its tokens do not count for the word's time, since pauses fall on them.
 *
 * @param decode text of token ids; an unfinished character is U+FFFD
 */
export function splitWords(
  tokenIds: ArrayLike<number>,
  decode: (ids: number[]) => string,
): TokenWord[] {
  const words: Draft[] = [];
  for (const piece of wholeCharacters(tokenIds, decode)) {
    const current = words.at(-1);
    if (current && !beginsWord(piece.text, current)) append(current, piece);
    else words.push(draft(piece));
  }
  const last = words.at(-1);
  const before = words.at(-2);
  if (last && before && last.endToken === null) {
    before.text += last.text;
    words.pop();
  }
  return words.map(finish);
}

interface Piece {
  text: string;
  readonly first: number;
  readonly end: number;
}

/** `endToken` is null as long as there is nothing but punctuation. */
interface Draft {
  text: string;
  readonly start: number;
  end: number;
  firstToken: number | null;
  endToken: number | null;
}

/** An unfinished character is one U+FFFD at the end; more than two there, or one inside, are broken bytes. */
const UNFINISHED = /(?<!\ufffd{2})\ufffd$/;
const MAX_UNFINISHED_TOKENS = 32;
const BROKEN = /\ufffd/g;
const PUNCTUATION_ONLY = /^[\s\p{P}]*$/u;
const JOINED_SYMBOL = /[#@&%*/\\_]/;
const OPENING = /^\s*[\p{Ps}\p{Pi}\p{Pd}¿¡]|^\s+["']/u;

/**
 * Tokens taken together until their bytes are whole characters. Tokens without text are left out; space at the end of
 * a piece goes to the next one.
 */
function wholeCharacters(tokenIds: ArrayLike<number>, decode: (ids: number[]) => string): Piece[] {
  const pieces: Piece[] = [];
  let waiting: number[] = [];
  let space = '';
  for (let index = 0; index < tokenIds.length; index++) {
    waiting.push(tokenIds[index]!);
    const text = decode(waiting);
    const isLast = index === tokenIds.length - 1 || waiting.length === MAX_UNFINISHED_TOKENS;
    if (UNFINISHED.test(text) && !isLast) continue;
    const whole = space + text.replace(BROKEN, '');
    const visible = whole.trimEnd();
    if (visible !== '')
      pieces.push({ text: visible, first: index + 1 - waiting.length, end: index + 1 });
    space = whole.slice(visible.length);
    waiting = [];
  }
  return pieces;
}

function isPunctuation(text: string): boolean {
  return PUNCTUATION_ONLY.test(text) && !JOINED_SYMBOL.test(text);
}

function beginsWord(text: string, current: Draft): boolean {
  if (isPunctuation(text)) return OPENING.test(text) && (/^\s/.test(text) || startsWide(text));
  if (current.endToken === null) return false;
  if (/^\s/.test(text)) return true;
  if (startsWithMark(text)) return false;
  return startsUnspaced(text) || endsUnspaced(current.text);
}

/** Opening brackets of CJK texts stand without a space before them. */
function startsWide(text: string): boolean {
  return /^[\u3000-\u303f\uff00-\uffef]/.test(text);
}

function draft(piece: Piece): Draft {
  const isSpoken = !isPunctuation(piece.text);
  return {
    text: piece.text,
    start: piece.first,
    end: piece.end,
    firstToken: isSpoken ? piece.first : null,
    endToken: isSpoken ? piece.end : null,
  };
}

function append(word: Draft, piece: Piece): void {
  word.text += piece.text;
  word.end = piece.end;
  if (isPunctuation(piece.text)) return;
  word.firstToken ??= piece.first;
  word.endToken = piece.end;
}

function finish(word: Draft): TokenWord {
  return {
    text: word.text.trim(),
    spaceBefore: /^\s/.test(word.text),
    firstToken: word.firstToken ?? word.start,
    endToken: word.endToken ?? word.end,
  };
}
