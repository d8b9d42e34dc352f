/** Scripts that write no spaces between words, decided by character: a Japanese text may hold English words. */

/** The text has a letter of such a script. */
export function hasUnspaced(text: string): boolean {
  return ANY_UNSPACED.test(text);
}

/** Joins texts of one speaker: with a space, except between scripts that write none. */
export function joinTexts(texts: readonly string[]): string {
  const parts: string[] = [];
  for (const text of texts.map((part) => part.trim()).filter((part) => part !== '')) {
    const last = parts.at(-1);
    if (last !== undefined && needsSpace(last, text)) parts.push(' ');
    parts.push(text);
  }
  return parts.join('');
}

/** Whether a space belongs between two texts. */
export function needsSpace(before: string, after: string): boolean {
  return !(ENDS_WITHOUT_ROOM.test(before) && STARTS_WITHOUT_ROOM.test(after));
}

/** All white space and control characters, line breaks included, as single spaces; none at the ends. */
export function toOneLine(text: string): string {
  return text.replaceAll(SPACES, ' ').trim();
}

const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\p{Script=Thai}\\p{Script=Lao}' +
  '\\p{Script=Myanmar}\\p{Script=Khmer}\\p{Script=Tibetan}';

/** CJK punctuation and full-width forms bring their own room. */
const WIDE_PUNCTUATION = '\\u3000-\\u303f\\uff00-\\uffef';

const ANY_UNSPACED = new RegExp(`[${UNSPACED}]`, 'u');
const STARTS_WITHOUT_ROOM = new RegExp(`^[${UNSPACED}${WIDE_PUNCTUATION}]`, 'u');
const ENDS_WITHOUT_ROOM = new RegExp(`[${UNSPACED}${WIDE_PUNCTUATION}]\\p{M}*$`, 'u');

/** Control characters too: some players take more than line feeds for ends of lines. */
const SPACES = /[\s\p{Cc}]+/gu;
