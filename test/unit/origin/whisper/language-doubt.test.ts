import { describe, expect, it } from 'vitest';
import { areRelated, isDoubtful } from '#origin/whisper/language-doubt.ts';

const MANY = [...Array.from({ length: 35 }, (_, index) => `l${index}`), 'la', 'cy'];

describe('isDoubtful', () => {
  it('doubts languages that the model has hardly been trained on', () => {
    expect(isDoubtful('cy', 'l0', MANY)).toBe(true);
    expect(isDoubtful('l34', 'l0', MANY)).toBe(false);
  });

  it('doubts near relatives in both directions', () => {
    expect(isDoubtful('es', 'gl', ['es', 'gl'])).toBe(true);
    expect(isDoubtful('gl', 'es', ['es', 'gl'])).toBe(true);
  });

  it('does not doubt a change between languages that sound different', () => {
    expect(isDoubtful('de', 'en', ['en', 'de'])).toBe(false);
  });
});

describe('areRelated', () => {
  it.each([
    ['no', 'da'],
    ['hi', 'ur'],
    ['sr', 'bs'],
    ['id', 'ms'],
  ])('knows %s and %s', (a, b) => {
    expect(areRelated(a, b)).toBe(true);
  });
});
