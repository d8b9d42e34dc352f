import { describe, expect, it } from 'vitest';

import { alignerFor } from '#models/aligner-for.ts';

const manifest = (name: string, languages: string[], architecture = 'wav2vec2') => ({
  name,
  languages,
  architecture,
});
const DE = manifest('align-de', ['de']);
const MANY = manifest('align-many', ['de', 'fr']);
const ANY = manifest('align-any', ['*']);
const WHISPER = manifest('base', ['de', 'fr'], 'whisper');

describe('alignerFor', () => {
  it('takes the language’s own model before one for many, and that before one for any', () => {
    expect(alignerFor('de', [ANY, MANY, DE])).toBe(DE);
    expect(alignerFor('fr', [ANY, MANY, DE])).toBe(MANY);
    expect(alignerFor('sw', [ANY, MANY, DE])).toBe(ANY);
  });

  it('finds none where no installed aligner knows the language', () => {
    expect(alignerFor('sw', [MANY, DE])).toBeUndefined();
  });

  it('never takes a model of another kind', () => {
    expect(alignerFor('de', [WHISPER])).toBeUndefined();
  });

  it('takes codes of the same language for each other, in any case', () => {
    const norwegian = manifest('align-no', ['no']);
    expect(alignerFor('nb', [norwegian])).toBe(norwegian);
    expect(alignerFor('NO', [norwegian])).toBe(norwegian);
  });

  it('does not depend on the order of what is installed', () => {
    const [a, b] = [manifest('align-de', ['de']), manifest('my-german', ['de'])];
    expect(alignerFor('de', [a, b])).toBe(a);
    expect(alignerFor('de', [b, a])).toBe(a);
  });
});
