import { describe, expect, it } from 'vitest';
import { givenLanguage } from '#origin/pipeline/recording-language.ts';
import { SttException } from '#shared/errors.ts';

const MULTILINGUAL = {
  isMultilingual: true,
  languageIds: new Map([
    ['en', 1],
    ['de', 2],
    ['zh', 3],
  ]),
};
const ENGLISH_ONLY = { isMultilingual: false, languageIds: new Map() };

function faultOf(ask: () => unknown): unknown {
  try {
    ask();
  } catch (error) {
    if (error instanceof SttException) return error.error;
  }
  return null;
}

describe('givenLanguage', () => {
  it('is what the caller says', () => {
    expect(givenLanguage({ language: 'de' }, MULTILINGUAL)).toEqual({
      language: 'de',
      probability: 1,
      languages: [{ language: 'de', probability: 1 }],
    });
  });

  it('is null when it has to be detected', () => {
    expect(givenLanguage({}, MULTILINGUAL)).toBeNull();
    expect(givenLanguage({ languages: ['de', 'en'] }, MULTILINGUAL)).toBeNull();
  });

  it('is the only one allowed that the model knows', () => {
    expect(givenLanguage({ languages: ['yue', 'zh'] }, MULTILINGUAL)?.language).toBe('zh');
  });

  it('is English for a model that knows no other', () => {
    expect(givenLanguage({}, ENGLISH_ONLY)?.language).toBe('en');
    expect(givenLanguage({ languages: ['de', 'en'] }, ENGLISH_ONLY)?.language).toBe('en');
  });

  it.each([
    { asked: { language: 'yue' }, model: MULTILINGUAL, field: 'language' },
    { asked: { languages: ['yue', 'xx'] }, model: MULTILINGUAL, field: 'languages' },
    { asked: { language: 'de' }, model: ENGLISH_ONLY, field: 'language' },
    { asked: { languages: ['de'] }, model: ENGLISH_ONLY, field: 'languages' },
  ])('refuses $asked when the model does not know it', ({ asked, model, field }) => {
    expect(faultOf(() => givenLanguage(asked, model))).toMatchObject({
      kind: 'invalid_fields',
      faults: [{ field, type: 'value_error' }],
    });
  });
});
