import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { voteLanguage } from '#origin/whisper/language-vote.ts';

const LANGUAGES = ['en', 'de', 'es', 'gl'];

describe('voteLanguage', () => {
  it('gives the share of each language, weighted by seconds of speech', () => {
    const vote = voteLanguage(LANGUAGES, [
      { probabilities: [1, 0, 0, 0], speechSeconds: 30 },
      { probabilities: [0, 1, 0, 0], speechSeconds: 10 },
    ]);
    expect(vote.language).toBe('en');
    expect(vote.languages.slice(0, 2)).toEqual([
      { language: 'en', probability: 0.75 },
      { language: 'de', probability: 0.25 },
    ]);
  });

  it('is not outvoted by one chunk that is wrongly sure', () => {
    const good = { probabilities: [0.2, 0.8, 0, 0], speechSeconds: 10 };
    const wrong = { probabilities: [0, 1e-9, 0, 1], speechSeconds: 10 };
    expect(voteLanguage(LANGUAGES, [good, good, good, wrong]).language).toBe('de');
  });

  it('chooses among the allowed languages only, with shares that sum to 1', () => {
    const vote = voteLanguage(
      LANGUAGES,
      [{ probabilities: [0.5, 0, 0.375, 0.125], speechSeconds: 1 }],
      { allowed: ['gl', 'es', 'xx'] },
    );
    expect(vote).toEqual({
      language: 'es',
      probability: 0.75,
      languages: [
        { language: 'es', probability: 0.75 },
        { language: 'gl', probability: 0.25 },
      ],
    });
  });

  it('follows the hint when no language has half of the speech', () => {
    const unsure = [{ probabilities: [0.45, 0.25, 0.2, 0.1], speechSeconds: 5 }];
    const vote = voteLanguage(LANGUAGES, unsure, { hint: 'de' });
    expect(vote.language).toBe('de');
    expect(vote.probability).toBeCloseTo(0.25);
  });

  it('does not follow the hint against clear speech', () => {
    const clear = [{ probabilities: [0.9, 0.1, 0, 0], speechSeconds: 5 }];
    expect(voteLanguage(LANGUAGES, clear, { hint: 'de' }).language).toBe('en');
  });

  it('ignores a hint that is not allowed or not known', () => {
    const unsure = [{ probabilities: [0.4, 0.3, 0.2, 0.1], speechSeconds: 5 }];
    expect(voteLanguage(LANGUAGES, unsure, { hint: 'xx' }).language).toBe('en');
    expect(
      voteLanguage(LANGUAGES, unsure, { hint: 'gl', allowed: ['en', 'de', 'es'] }).language,
    ).toBe('en');
  });

  it('follows the hint when there is no speech to judge', () => {
    expect(voteLanguage(LANGUAGES, [], { hint: 'es' }).language).toBe('es');
    const silent = [{ probabilities: [1, 0, 0, 0], speechSeconds: 0 }];
    expect(voteLanguage(LANGUAGES, silent, { hint: 'es' }).language).toBe('es');
  });

  it('refuses a list with no language the model knows', () => {
    expect(() => voteLanguage(LANGUAGES, [], { allowed: ['xx'] })).toThrow(RangeError);
  });

  it('gives shares that sum to 1, in falling order', () => {
    const row = fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), {
      minLength: 4,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.integer({ min: 0, max: 30 }))), (rows) => {
        const { languages } = voteLanguage(
          LANGUAGES,
          rows.map(([probabilities, speechSeconds]) => ({ probabilities, speechSeconds })),
        );
        const shares = languages.map(({ probability }) => probability);
        expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
        expect(shares).toEqual(shares.toSorted((a, b) => b - a));
      }),
    );
  });
});
