import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadNumberSpeller, type NumberSpeller } from '#origin/align/ctc/number-words.ts';
import { spokenNumbers } from '#origin/align/ctc/spoken-numbers.ts';

async function spellerOf(language: string): Promise<NumberSpeller> {
  const speller = await loadNumberSpeller(language);
  if (speller === null) throw new Error(`No numbers in ${language}`);
  return speller;
}

describe('spokenNumbers', () => {
  it.each([
    ['en', '26', '', ['twenty-six', 'two six']],
    ['en', '1,000', '', ['one thousand', 'one zero', 'one zero zero zero']],
    [
      'en',
      '3.50',
      '',
      ['three point fifty', 'three point five zero', 'three fifty', 'three five zero'],
    ],
    ['en', '1.2.3', '', ['one two three']],
    ['en', '007', '', ['seven', 'zero zero seven']],
    ['de', '3,5', '', ['drei komma fünf', 'drei fünf']],
    ['de', '3.500', '', ['dreitausendfünfhundert', 'drei fünfhundert', 'drei fünf null null']],
    ['de', '26', '.', ['sechsundzwanzigste', 'sechsundzwanzig', 'zwei sechs']],
    ['fr', '1\u202f000', '', ['mille', 'un zéro zéro zéro']],
    ['hi', '२६', '', ['छब्बीस', 'दो छह']],
    ['ar', '٢٦', '', ['ستة وعشرون', 'اثنان ستة']],
    ['zh', '26', '', ['二十六', '二 六']],
    ['ja', '２６', '', ['二十六', '二 六']],
  ])('says %s %s%s', async (language, number, after, expected) => {
    const speller = await spellerOf(language);
    expect(spokenNumbers(number, { after, language, speller })).toEqual(expected);
  });

  it('says years in two halves', async () => {
    const said = async (language: string) =>
      spokenNumbers('1990', { after: '', language, speller: await spellerOf(language) });
    expect(await said('en')).toContain('nineteen ninety');
    expect(await said('de')).toContain('neunzehn hundert neunzig');
  });

  it('gives up on numbers that nobody says', async () => {
    const speller = await spellerOf('en');
    const options = { after: '', language: 'en', speller };
    expect(spokenNumbers('9'.repeat(41), options)).toEqual([]);
    expect(spokenNumbers('9'.repeat(40), options)).toHaveLength(1);
  });

  it('never throws and gives few ways, whatever the number and the language', async () => {
    const languages = [
      'en',
      'de',
      'fr',
      'ja',
      'zh',
      'th',
      'ar',
      'ru',
      'hi',
      'he',
      'ko',
      'no',
      'tl',
    ];
    const spellers = new Map(
      await Promise.all(languages.map(async (code) => [code, await spellerOf(code)] as const)),
    );
    const number = fc
      .array(fc.stringMatching(/^[0-9٠-٩०-९]{1,9}$/), { minLength: 1, maxLength: 6 })
      .chain((parts) => fc.constantFrom('.', ',', '’', '٬').map((mark) => parts.join(mark)));
    fc.assert(
      fc.property(
        number,
        fc.constantFrom(...languages),
        fc.constantFrom('', '.', 'th'),
        (digits, language, after) => {
          const said = spokenNumbers(digits, { after, language, speller: spellers.get(language)! });
          expect(said.length).toBeLessThanOrEqual(6);
          expect(new Set(said).size).toBe(said.length);
        },
      ),
    );
  });
});

describe('loadNumberSpeller', () => {
  it('knows no words in a language without a list', async () => {
    expect(await loadNumberSpeller('xx')).toBeNull();
    expect(await loadNumberSpeller('../x')).toBeNull();
  });

  it('gives null for what is no number', async () => {
    const speller = await spellerOf('en');
    expect(speller.cardinal('x')).toBeNull();
    expect(speller.ordinal('0')).toBeNull();
  });
});
