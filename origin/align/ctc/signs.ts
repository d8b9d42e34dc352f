/**
 * What a letter of a transcript is in the vocabulary of a CTC model. Models know the letters of their training texts
 * only, in one case and one Unicode form; Whisper writes all of Unicode.
 */
import anyAscii from 'any-ascii';
import type { SignVocabulary } from '#origin/align/ctc/vocabulary.ts';

/**
 * What there is to align for a character and its combining marks. `boundary`: nothing is spoken and words meet;
 * `silent`: nothing is spoken; `unknown`: spoken, and the model has no sign for it.
 */
export type Sounding =
  | { readonly kind: 'signs'; readonly ids: readonly number[] }
  | { readonly kind: 'boundary' | 'silent' | 'unknown' };

/**
 * The first of these that the vocabulary has whole: the letter itself, its other case, its compatibility form (half
 * and full width, ligatures), its parts (é → e, 한 → its jamo), its usual spelling (ß → ss), its like in the sister
 * script (kana), its sound in Latin letters where the model wants those. Marks that the vocabulary lacks are left out: vowel points, harakat, accents.
 *
 * @param cluster one code point with the combining marks that follow it
 * @param language Whisper's code; decides the case of i in Turkic languages
 */
export function soundingOf(
  cluster: string,
  vocabulary: SignVocabulary,
  language: string,
): Sounding {
  if (APOSTROPHE.test(cluster)) return apostrophe(cluster, vocabulary);
  if (SPOKEN_SYMBOL.test(cluster)) return { kind: 'unknown' };
  if (!/[\p{L}\p{N}\p{M}]/u.test(cluster)) {
    return { kind: /^[\p{P}\p{Z}\s]/u.test(cluster) ? 'boundary' : 'silent' };
  }
  const latin = vocabulary.isRomanised === true ? [inLatin(cluster)] : [];
  for (const form of [...spellings(cluster, language), ...latin]) {
    const ids = idsOf(form, vocabulary);
    if (ids !== null) return { kind: 'signs', ids };
  }
  return {
    kind: /[\p{L}\p{N}]/u.test(cluster) && !SILENT_LETTER.test(cluster) ? 'unknown' : 'silent',
  };
}

/** Between letters these are part of the word, in the texts of Catalan (·) and Hebrew (׳ ״) models too. */
const APOSTROPHE = /^['’‘ʼʹ`´＇·׳״]/u;

/** Symbols with a name that people say. */
const SPOKEN_SYMBOL = /^[\p{Sc}%‰＆&@§°№#＃％＠+=×÷±<>≤≥≈]/u;

/** Arabic tatweel makes a word longer on paper only. */
const SILENT_LETTER = /^\u0640/u;

function apostrophe(cluster: string, vocabulary: SignVocabulary): Sounding {
  for (const form of [
    cluster,
    /^[·׳״]/u.test(cluster) ? '' : "'",
    /^['ʼ´`＇]/u.test(cluster) ? '’' : '',
  ]) {
    const ids = form === '' ? null : idsOf(form, vocabulary);
    if (ids !== null) return { kind: 'signs', ids };
  }
  return { kind: 'silent' };
}

function* spellings(cluster: string, language: string): Generator<string> {
  const locale = TURKIC.has(language) ? language : 'en';
  const composed = cluster.normalize('NFC');
  const compatible = cluster.normalize('NFKC');
  for (const form of [
    composed,
    compatible,
    composed.normalize('NFD'),
    compatible.normalize('NFD'),
  ]) {
    yield form;
    yield form.toLocaleLowerCase(locale);
    yield form.toLocaleUpperCase(locale);
  }
  const base = compatible
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .toLocaleLowerCase(locale);
  const usual = USUAL_SPELLING[base] ?? otherKana(base);
  yield usual;
  yield usual.toLocaleUpperCase(locale);
}

/** Roughly how a letter of any script sounds; empty for one that is not known. */
function inLatin(cluster: string): string {
  return /^\p{L}/u.test(cluster)
    ? anyAscii(cluster)
        .replace(/[^a-z]/gi, '')
        .toLowerCase()
    : '';
}

/** I and i are no pair there: I goes with ı, İ with i. */
const TURKIC: ReadonlySet<string> = new Set(['tr', 'az']);

const USUAL_SPELLING: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ı: 'i',
  ŋ: 'ng',
  ə: 'e',
  ё: 'е',
  ґ: 'г',
  ς: 'σ',
  ى: 'ي',
  ی: 'ي',
  ک: 'ك',
  ة: 'ه',
  ٱ: 'ا',
  ך: 'כ',
  ם: 'מ',
  ן: 'נ',
  ף: 'פ',
  ץ: 'צ',
};

/** Hiragana and katakana lie 0x60 apart. */
function otherKana(text: string): string {
  const code = text.codePointAt(0) ?? 0;
  if (code >= 0x3041 && code <= 0x3096) return String.fromCodePoint(code + 0x60);
  if (code >= 0x30a1 && code <= 0x30f6) return String.fromCodePoint(code - 0x60);
  return text;
}

/** Null where a letter of the text is unknown, or nothing is left of it. */
function idsOf(text: string, vocabulary: SignVocabulary): number[] | null {
  const ids: number[] = [];
  for (const character of text) {
    const id = vocabulary.idOf(character);
    const isSign = id !== null && id !== vocabulary.blankId && id !== vocabulary.wordDelimiterId;
    if (isSign) ids.push(id);
    else if (!/\p{M}/u.test(character)) return null;
  }
  return ids.length > 0 ? ids : null;
}
