import { describe, expect, it } from 'vitest';
import { canTranslate } from '#origin/whisper/translation.ts';

describe('canTranslate', () => {
  it.each([
    'large-v3-turbo',
    'turbo',
    'distil-large-v3',
    'distil-large-v3.5',
    'distil-small.en',
    'tiny.en',
  ])('knows that %s was made to write down only', (model) => {
    expect(canTranslate(model)).toBe(false);
  });

  it.each(['tiny', 'base', 'small', 'medium', 'large-v2', 'large-v3'])('trusts %s', (model) => {
    expect(canTranslate(model)).toBe(true);
  });
});
