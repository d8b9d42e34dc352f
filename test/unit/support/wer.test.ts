import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignWords, errorRate, normalizeWords, wordErrors } from '#test/support/wer.ts';

/**
 * Golden values of jiwer 4.0.0: `o = jiwer.process_words(reference, hypothesis)`, then
 * `o.substitutions + o.deletions + o.insertions` and `o.wer`.
 */
const JIWER: readonly (readonly [string, string, number, number])[] = [
  ['the harbor office opens at seven', 'the harbour office opens seven o clock', 4, 0.666667],
  ['a b c d', 'a c d e', 2, 0.5],
  ['one two three', 'one two three', 0, 0],
  ['hello world', 'goodbye cruel world', 2, 1],
  ['he knew every dog on his way by name', 'he new every dog his way by a name', 3, 0.333333],
  ['a', 'b c d', 3, 3],
  ['b b c d a a d c b b d d', 'd b b b d a a b a c a c d d d', 7, 0.583333],
  [
    'd d b c a a b d b c d c d d c d b c a c b c a b c',
    'c a a d d a c a d b a c d d a a a d c c b a c a a a a b',
    17,
    0.68,
  ],
];

describe('wordErrors', () => {
  it.each(JIWER)('equals jiwer on "%s" against "%s"', (reference, hypothesis, errors, rate) => {
    const counts = wordErrors(reference, hypothesis);
    expect(counts.substitutions + counts.deletions + counts.insertions).toBe(errors);
    expect(errorRate([counts])).toBeCloseTo(rate, 6);
  });

  it('counts a digit and its word as equal where the language is known', () => {
    const [reference, hypothesis] = ['von Gleis sieben ab', 'von Gleis 7 ab.'];
    expect(errorRate([wordErrors(reference, hypothesis, 'de')])).toBe(0);
    expect(errorRate([wordErrors(reference, hypothesis)])).toBe(0.25);
  });
});

describe('normalizeWords', () => {
  it.each([
    [
      'It’s the café’s e-mail — "really"?',
      undefined,
      ['its', 'the', 'cafés', 'e', 'mail', 'really'],
    ],
    ['GRÖẞER als 1.000 Straßen', 'de', ['größer', 'als', '1000', 'straßen']],
    [
      'at most 30 seconds, 21 of 100',
      'en',
      'at most thirty seconds twenty one of one hundred'.split(' '),
    ],
    ['81 und 100', 'de', ['einundachtzig', 'und', 'hundert']],
    ['3.5 of 101', 'en', ['three', 'five', 'of', '101']],
    ["rock 'n' roll's", 'en', ['rock', 'n', 'rolls']],
    ['… ?! —', 'en', []],
  ] as const)('splits %j in language %s', (text, language, words) => {
    expect(normalizeWords(text, language)).toEqual(words);
  });

  it('gives the same words when it is applied twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const once = normalizeWords(text, 'en');
        expect(normalizeWords(once.join(' '), 'en')).toEqual(once);
      }),
    );
  });
});

const words = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });

describe('alignWords', () => {
  it('pairs only equal words, in rising order, and accounts for every word of both sides', () => {
    fc.assert(
      fc.property(words, words, (reference, hypothesis) => {
        const { hits, substitutions, deletions, insertions } = alignWords(reference, hypothesis);
        for (const [r, h] of hits) expect(reference[r]).toBe(hypothesis[h]);
        for (let i = 1; i < hits.length; i += 1) {
          expect(hits[i]![0]).toBeGreaterThan(hits[i - 1]![0]);
          expect(hits[i]![1]).toBeGreaterThan(hits[i - 1]![1]);
        }
        expect(hits.length + substitutions + deletions).toBe(reference.length);
        expect(hits.length + substitutions + insertions).toBe(hypothesis.length);
      }),
    );
  });

  it('finds no more errors than words were changed at random', () => {
    fc.assert(
      fc.property(words, fc.array(fc.nat(), { maxLength: 4 }), (reference, positions) => {
        const changed = [...reference];
        for (const position of positions) {
          if (changed.length > 0) changed.splice(position % changed.length, 1);
        }
        const { substitutions, deletions, insertions } = alignWords(reference, changed);
        expect(substitutions + deletions + insertions).toBe(reference.length - changed.length);
      }),
    );
  });
});

describe('errorRate', () => {
  it('pools errors over words, not over files', () => {
    const long = wordErrors('a b c d e f g h', 'a b c d e f g h');
    const short = wordErrors('a b', 'c d');
    expect(errorRate([long, short])).toBe(0.2);
  });

  it('is 0 for empty against empty and Infinity for words invented in silence', () => {
    expect(errorRate([wordErrors('', '')])).toBe(0);
    expect(errorRate([wordErrors('', 'thank you')])).toBe(Number.POSITIVE_INFINITY);
  });
});
