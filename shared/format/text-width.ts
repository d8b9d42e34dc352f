/**
 * Columns that a text takes in a fixed-width font: 2 for East Asian wide and full-width letters and for emoji, 0 for
 * marks on other letters and for invisible characters, 1 for all else.
 * Source: Unicode Standard Annex 11, East Asian Width; the blocks that are wide as a whole.
 */
export function textWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

function characterWidth(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  if (HALF_WIDTH.test(character)) return 1;
  return WIDE.test(character) ? 2 : 1;
}

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cc}\p{Cf}\u1160-\u11ff]$/u;
const HALF_WIDTH = /^[\uff61-\uffdc]$/;
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]$/u;
