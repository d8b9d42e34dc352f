import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadNumberSpeller } from '#origin/align/ctc/number-words.ts';
import { planAlignment } from '#origin/align/ctc/plan.ts';
import type { SignVocabulary } from '#origin/align/ctc/vocabulary.ts';
import { ENGLISH, vocabularyOf, wordsOf } from '#test/unit/origin/align/ctc/spoken.ts';

/** The plan as text: `|` where words meet, `*` for the wildcard. */
function planned(
  text: string,
  characters: string,
  { language = 'en', wordDelimiterId = 1 as number | null } = {},
): string {
  const plan = planAlignment(wordsOf(text), vocabularyOf(characters, wordDelimiterId), {
    language,
  });
  const signs = ['_', ...(wordDelimiterId === null ? [] : ['|'])];
  const names = [
    ...signs,
    ...plan.columns.slice(signs.length).map((id) => [...characters][id - 2]),
    '*',
  ];
  const parts = Array.from(plan.targets.columns, (column, index) =>
    [plan.targets.boundaries[index] === 1 ? '|' : '', names[column]].join(''),
  );
  return parts.join('');
}

const LATIN = "abcdefghijklmnopqrstuvwxyz'";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ'";
const RUSSIAN = 'абвгдежзийклмнопрстуфхцчшщъыьэюя';
const HINDI = 'नमस्तेदुिाय';
const THAI = 'สวัดีครับชาวโลก';

describe('planAlignment', () => {
  it.each([
    ['lower case from mixed', 'It Costs', LATIN, '|it|costs'],
    ['upper case from mixed', 'It Costs', UPPER, '|IT|COSTS'],
    ['the letter itself before another case', 'It', 'iItT', '|It'],
    ['punctuation without a target', '"Well..." (yes)!', LATIN, '|well|yes'],
    [
      'numbers and symbols as wildcards',
      'It costs $3.50, or 26 % more.',
      LATIN,
      '|it|costs|*|or|*|more',
    ],
    ['a number inside a word', 'COVID-19 came', LATIN, '|covid|*|came'],
    ['typographic apostrophes', 'don’t', LATIN, "|don't"],
    ['no apostrophe where the model has none', 'don’t', 'dont', '|dont'],
    ['hyphens as boundaries', 'well-known', LATIN, '|well|known'],
    ['é where the model has it', 'l’été', "l'été", "|l'été"],
    ['é as e where it has not', 'l’été', LATIN, "|l'ete"],
    ['é written with a combining accent', 'e\u0301te\u0301', 'é t', '|été'],
    ['ß as ss', 'Straße', LATIN, '|strasse'],
    ['ß as SS', 'Straße', UPPER, '|STRASSE'],
    ['ß as itself', 'Straße', `${LATIN}ß`, '|straße'],
    ['German numbers and abbreviations', '3,5 Mio.', LATIN, '|*|mio'],
    ['letters with a stroke', 'Łódź Øre', LATIN, '|lodz|ore'],
    ['ligatures', 'ﬁne', LATIN, '|fine'],
    ['full width', 'ＡＢＣ', LATIN, '|abc'],
    ['half width kana', 'ｶﾞ', 'ガ', '|ガ'],
    ['the sister kana', 'カな', 'かな', '|かな'],
    ['Russian ё without a sign', 'Ещё', RUSSIAN, '|еще'],
    ['Cyrillic in a Latin model', 'Да ok', LATIN, '|*|ok'],
    ['Hebrew points', 'שָׁלוֹם', 'שלום', '|שלום'],
    ['Hebrew ending letters', 'שלום', 'שלומ', '|שלומ'],
    ['Arabic points and tatweel', 'مَرْحَـــبًا', 'مرحبا', '|مرحبا'],
    ['Arabic alef with hamza', 'أهلا', 'اهل', '|اهلا'],
    ['Hindi with its signs', 'नमस्ते दुनिया', HINDI, '|नमस्ते|दुनिया'],
    ['Thai', 'สวัสดีครับ', THAI, '|สวัสดีครับ'],
    ['Korean syllables as jamo', '한', '\u1112\u1161\u11ab', '|\u1112\u1161\u11ab'],
    ['emoji without a target', 'hi 😀 ☃️ you', LATIN, '|hi|you'],
    ['the delimiter and the blank are no signs', 'a | b', LATIN, '|a|b'],
    ['digits of other scripts', '२६ ٢٦ ab', LATIN, '|*|ab'],
    ['empty text', '', LATIN, ''],
    ['only punctuation', '... — !?', LATIN, ''],
  ])('gives %s', (_, text, characters, expected) => {
    expect(planned(text, characters)).toBe(expected);
  });

  it.each([
    ['Привет', 'privet'],
    ['北京', 'beijing'],
    ['नमस्ते', 'nmste'],
    ['Straße', 'strasse'],
  ])('writes %s in Latin letters for a model that hears nothing else', (text, expected) => {
    const vocabulary = { ...vocabularyOf(LATIN, null), isRomanised: true };
    const { columns, targets } = planAlignment(wordsOf(text), vocabulary, { language: 'xx' });
    const letters = Array.from(targets.columns, (column) => [...LATIN][columns[column]! - 2]);
    expect(letters.join('')).toBe(expected);
  });

  it('folds the i of Turkish in Turkish only', () => {
    expect(planned('IĞDIR', 'ığdir', { language: 'tr' })).toBe('|ığdır');
    expect(planned('IGD', 'ıgdi', { language: 'en' })).toBe('|igd');
  });

  it('sets no boundary between words that no space divides', () => {
    const words = Array.from('日本語、です', (text) => ({ text, spaceBefore: false }));
    const plan = planAlignment(words, vocabularyOf('日本です', null), { language: 'ja' });
    expect(plan.columns).toEqual([0, 2, 3, 4, 5]);
    expect(Array.from(plan.targets.columns)).toEqual([1, 2, 5, 3, 4]);
    expect(Array.from(plan.targets.boundaries)).toEqual([1, 0, 0, 1, 0, 1]);
  });

  it('asks for the blank, the delimiter and each sign once', () => {
    const { columns } = planAlignment(wordsOf('see bees'), ENGLISH, { language: 'en' });
    expect(columns).toEqual([0, 1, ...Array.from('SEB', (sign) => ENGLISH.idOf(sign))]);
  });

  it('asks for the signs of spoken numbers too', async () => {
    const speller = await loadNumberSpeller('en');
    const plan = planAlignment(wordsOf('26'), ENGLISH, { language: 'en', speller });
    for (const sign of 'TWENYSIX') expect(plan.columns).toContain(ENGLISH.idOf(sign));
    expect(plan.pieces[0]!.spellings.map(({ columns }) => columns.length)).toEqual([9, 6]);
  });

  it('offers the digits themselves to a model that writes them', () => {
    const plan = planAlignment(wordsOf('2.6'), vocabularyOf('abc26'), { language: 'xx' });
    expect(plan.pieces[0]!.spellings.map(({ columns }) => Array.from(columns))).toEqual([[2, 3]]);
    expect(Array.from(plan.targets.columns)).toEqual([plan.columns.length]);
  });

  it('offers no spelling that the model lacks a sign for', async () => {
    const speller = await loadNumberSpeller('zh');
    const plan = planAlignment(wordsOf('26'), vocabularyOf('二十'), { language: 'zh', speller });
    expect(plan.pieces[0]!.spellings).toEqual([]);
  });

  it('says how much of the text has signs', () => {
    const share = (text: string) =>
      planAlignment(wordsOf(text), ENGLISH, { language: 'en' }).knownShare;
    expect(share('Hello there')).toBe(1);
    expect(share('Привет всем')).toBe(0);
    expect(share('!')).toBe(0);
    expect(share('abcd 5')).toBe(0.5);
  });

  it('keeps every character of every word and consistent targets, whatever the text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.string(),
    );
    const word = fc.record({ text, spaceBefore: fc.boolean() });
    const any: SignVocabulary = {
      blankId: 0,
      wordDelimiterId: 1,
      idOf: (character) =>
        (character.codePointAt(0) ?? 0) % 3 === 0 ? null : character.length + 1,
    };
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const plan = planAlignment(words, any, { language: 'de' });
        expect(plan.characters.map((parts) => parts.join(''))).toEqual(
          words.map((one) => one.text),
        );
        expect(plan.targets.boundaries).toHaveLength(plan.targets.columns.length + 1);
        const wildcard = plan.columns.length;
        plan.targets.columns.forEach((column, index) => {
          expect(column).toBeGreaterThan(1);
          expect(column).toBeLessThanOrEqual(wildcard);
          if (column === wildcard) expect(plan.targets.columns[index + 1]).not.toBe(wildcard);
        });
        let target = 0;
        for (const piece of plan.pieces) {
          expect([target, target - 1]).toContain(piece.firstTarget);
          expect(piece.endTarget).toBeGreaterThan(piece.firstTarget);
          target = piece.endTarget;
        }
        expect(target).toBe(plan.targets.columns.length);
      }),
    );
  });
});
