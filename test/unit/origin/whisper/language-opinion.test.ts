import { describe, expect, it } from 'vitest';
import { certainty, isSure, mayBeMixed, toOpinion } from '#origin/whisper/language-opinion.ts';

const LANGUAGES = ['en', 'de', 'es', 'pt', 'gl'];

describe('toOpinion', () => {
  it('names the most probable language', () => {
    const opinion = toOpinion(LANGUAGES, [0.1, 0.7, 0.1, 0.05, 0.05], { speechSeconds: 3 });
    expect(opinion.best).toBe('de');
    expect(certainty(opinion)).toBeCloseTo(0.7);
    expect(opinion.mass).toBeCloseTo(1);
  });

  it('shares the probability among the allowed languages and keeps what they had together', () => {
    const row = [0.1, 0.7, 0.3, 0, 0];
    const opinion = toOpinion(LANGUAGES, row, { allowed: ['en', 'es'], speechSeconds: 3 });
    expect(opinion.best).toBe('es');
    expect(certainty(opinion)).toBeCloseTo(0.75);
    expect(opinion.mass).toBeCloseTo(0.4);
    expect([...opinion.probabilities.keys()]).toEqual(['en', 'es']);
  });

  it('has no favourite where the allowed languages have no probability at all', () => {
    const opinion = toOpinion(LANGUAGES, [1, 0, 0, 0, 0], {
      allowed: ['de', 'es'],
      speechSeconds: 3,
    });
    expect([...opinion.probabilities.values()]).toEqual([0.5, 0.5]);
    expect(opinion.mass).toBe(0);
  });
});

describe('mayBeMixed', () => {
  const judge = (row: number[]) =>
    mayBeMixed(toOpinion(LANGUAGES, row, { speechSeconds: 20 }), LANGUAGES);

  it('suspects a chunk in which a second language keeps some probability', () => {
    expect(judge([0.95, 0.04, 0.01, 0, 0])).toBe(true);
  });

  it('does not suspect clear speech', () => {
    expect(judge([0.985, 0.015, 0, 0, 0])).toBe(false);
  });

  it('does not take a near relative for a second language', () => {
    expect(judge([0, 0, 0.7, 0.2, 0.1])).toBe(false);
  });

  it('does not suspect what is spread over many languages', () => {
    const languages = Array.from({ length: 30 }, (_, index) => `l${index}`);
    const row = languages.map((_, index) => (index === 0 ? 0.71 : 0.01));
    expect(mayBeMixed(toOpinion(languages, row, { speechSeconds: 20 }), languages)).toBe(false);
  });

  it('does not suspect a chunk that is in none of the allowed languages', () => {
    const limits = { allowed: ['en', 'es'], speechSeconds: 20 };
    expect(mayBeMixed(toOpinion(LANGUAGES, [0.1, 0.8, 0.1, 0, 0], limits), LANGUAGES)).toBe(false);
  });
});

describe('isSure', () => {
  it('is sure from 0.8 on', () => {
    expect(isSure(toOpinion(LANGUAGES, [0.81, 0.19, 0, 0, 0], { speechSeconds: 3 }))).toBe(true);
    expect(isSure(toOpinion(LANGUAGES, [0.79, 0.21, 0, 0, 0], { speechSeconds: 3 }))).toBe(false);
  });

  it('is not sure of what is likely only since nothing likelier is allowed', () => {
    const limits = { allowed: ['en', 'es'], speechSeconds: 3 };
    expect(isSure(toOpinion(LANGUAGES, [0.3, 0.7, 0, 0, 0], limits))).toBe(false);
  });
});
