import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { ALIGNER_MODELS } from '#models/registry/aligners.ts';
import { isFreeForCommercialUse } from '#models/registry/entry.ts';
import { findModel, namesOf } from '#models/registry.ts';

/** `DEFAULT_ALIGN_MODELS_TORCH` and `DEFAULT_ALIGN_MODELS_HF` of whisperX 3.8. */
const WHISPERX =
  'ar ca cs da de el en es eu fa fi fr gl he hi hr hu id it ja ka ko lv ml nl nn no pl pt ro ru sk sl sv te tl tr uk ur vi zh'.split(
    ' ',
  );

describe('ALIGNER_MODELS', () => {
  it('has a model of its own for every language of whisperX', () => {
    const own = ALIGNER_MODELS.filter(({ languages }) => languages.length === 1);
    const covered = new Set(own.flatMap(({ languages }) => languages));
    expect(WHISPERX.filter((code) => !covered.has(code))).toEqual([]);
    expect(WHISPERX.length).toBeGreaterThanOrEqual(40);
  });

  it('names each by its language', () => {
    for (const { name, languages } of ALIGNER_MODELS) {
      expect(name).toMatch(/^align-[a-z]+$/);
      if (languages.length === 1 && languages[0] !== '*') expect(name).toBe(`align-${languages}`);
    }
  });

  it('has one for many languages that may be sold, and one for any that may not', () => {
    const many = findModel('align-many', 'ctc-aligner');
    expect(isFreeForCommercialUse(many)).toBe(true);
    const any = findModel('align-any', 'ctc-aligner');
    expect([any.languages, any.licence, isFreeForCommercialUse(any)]).toEqual([
      ['*'],
      'CC-BY-NC-4.0',
      false,
    ]);
  });

  it('is found by repository too', () => {
    expect(findModel('facebook/wav2vec2-base-960h').name).toBe('align-en');
  });

  it('gives no repository to two models', () => {
    const names = ALIGNER_MODELS.flatMap(namesOf);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('docs/how-to/word-times.md', () => {
  const page = readFileSync(
    join(import.meta.dirname, '../../../../docs/how-to/word-times.md'),
    'utf8',
  );

  it.each(ALIGNER_MODELS)('has the row of $name', ({ name, repository, licence }) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row).toContain(`| ${repository} | ${licence} |`);
  });

  it('names the languages of align-many', () => {
    const listed = /and knows\s+([\s\S]*?)\. /.exec(page)?.[1]?.split(/,\s+|\sand\s/);
    expect(listed).toEqual(findModel('align-many', 'ctc-aligner').languages);
  });
});

describe('isFreeForCommercialUse', () => {
  it('does not know where the licence is unknown', () => {
    expect(isFreeForCommercialUse({ licence: 'unknown' })).toBeNull();
  });
});
