/**
 * Scripts that write no spaces between words. Decided by character, not by the recording's language: a Japanese
 * text may hold English words, and a translation is not in the language that was spoken.
 */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\p{Script=Thai}\\p{Script=Lao}' +
  '\\p{Script=Myanmar}\\p{Script=Khmer}\\p{Script=Tibetan}';

/** CJK punctuation and full-width forms bring their own room. */
const WIDE_PUNCTUATION = '\\u3000-\\u303f\\uff00-\\uffef';

/** Vowel signs that Unicode counts as letters (Thai and Lao AM) are marks too. */
const MARK = '[\\p{M}\\u0e33\\u0eb3]';

const STARTS_WITH_MARK = new RegExp(`^${MARK}`, 'u');
const STARTS_UNSPACED = new RegExp(`^[${UNSPACED}]`, 'u');
const ENDS_UNSPACED = new RegExp(`[${UNSPACED}]${MARK}*$`, 'u');
const STARTS_WITHOUT_ROOM = new RegExp(`^[${UNSPACED}${WIDE_PUNCTUATION}]`, 'u');
const ENDS_WITHOUT_ROOM = new RegExp(`[${UNSPACED}${WIDE_PUNCTUATION}]${MARK}*$`, 'u');

const OPENING = '\\p{Ps}\\p{Pi}';
const UNSPACED_WORD = `[${OPENING}]*[${UNSPACED}]${MARK}*[^\\s${UNSPACED}\\p{L}\\p{N}${OPENING}]*`;
/** French sets a space before these marks. */
const SPACED_MARKS = '(?:[ \\u00a0\\u202f][!?;:»]+(?!\\S))*';
const WORDS = new RegExp(`${UNSPACED_WORD}|[^\\s${UNSPACED}]+${SPACED_MARKS}`, 'gu');

/** The text begins with a letter of such a script. */
export function startsUnspaced(text: string): boolean {
  return STARTS_UNSPACED.test(text);
}

/** The text begins with a sign that belongs to the letter before it. */
export function startsWithMark(text: string): boolean {
  return STARTS_WITH_MARK.test(text);
}

/** The text ends with a letter of such a script. */
export function endsUnspaced(text: string): boolean {
  return ENDS_UNSPACED.test(text);
}

/** Words of a text and where each begins; in unspaced scripts every letter with its marks and punctuation. */
export function findWords(text: string): { readonly text: string; readonly index: number }[] {
  return Array.from(text.matchAll(WORDS), (match) => ({ text: match[0], index: match.index }));
}

/** Joins texts that were decoded apart: with a space, except between scripts that write none. */
export function joinTexts(texts: readonly string[]): string {
  let joined = '';
  for (const text of texts.map((part) => part.trim()).filter((part) => part !== '')) {
    const needsSpace =
      joined !== '' && !(ENDS_WITHOUT_ROOM.test(joined) && STARTS_WITHOUT_ROOM.test(text));
    joined += needsSpace ? ` ${text}` : text;
  }
  return joined;
}
