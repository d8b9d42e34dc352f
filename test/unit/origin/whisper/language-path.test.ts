import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LanguageOpinion, toOpinion } from '#origin/whisper/language-opinion.ts';
import { LanguagePath } from '#origin/whisper/language-path.ts';

const LANGUAGES = ['en', 'de', 'es', 'fr', 'gl'];

/** An opinion for one language; the rest is shared by the others. */
function heard(language: string, speechSeconds = 20, probability = 0.98): LanguageOpinion {
  const rest = (1 - probability) / (LANGUAGES.length - 1);
  const row = LANGUAGES.map((code) => (code === language ? probability : rest));
  return toOpinion(LANGUAGES, row, { speechSeconds });
}

function decide(opinions: LanguageOpinion[], start = 'en', isLast = true): string[] {
  return new LanguagePath(LANGUAGES, voteFor(start)).decide(opinions, { isLast });
}

function voteFor(language: string) {
  return { language, languages: [{ language, probability: 1 }] };
}

describe('LanguagePath', () => {
  it('follows clear speech from one language to another', () => {
    const path = decide([heard('en'), heard('de'), heard('de'), heard('fr')]);
    expect(path).toEqual(['en', 'de', 'de', 'fr']);
  });

  it('finds a short passage of some seconds between two others', () => {
    expect(decide([heard('en'), heard('de', 4.5), heard('en')])).toEqual(['en', 'de', 'en']);
  });

  it.each([
    { what: 'a name or a call of two seconds', odd: heard('de', 2) },
    { what: 'a passage that detection is unsure of', odd: heard('de', 20, 0.75) },
    { what: 'a longer one that is not quite clear', odd: heard('de', 2.5, 0.85) },
  ])('does not change for $what', ({ odd }) => {
    expect(decide([heard('en'), odd, heard('en')])).toEqual(['en', 'en', 'en']);
    expect(decide([heard('en'), odd])).toEqual(['en', 'en']);
  });

  it('keeps the language that the recording starts with where nothing is sure', () => {
    const unsure = heard('de', 20, 0.5);
    expect(decide([unsure, unsure, unsure], 'fr')).toEqual(['fr', 'fr', 'fr']);
  });

  it('gives up the language it started with when all speech is clearly in another', () => {
    expect(decide([heard('de'), heard('de')], 'fr')).toEqual(['de', 'de']);
  });

  it('starts in another language than the vote where that has a good share of the speech', () => {
    const opinions = [heard('de', 3.5), heard('en')];
    const languages = [
      { language: 'en', probability: 0.6 },
      { language: 'de', probability: 0.4 },
    ];
    const path = new LanguagePath(LANGUAGES, { language: 'en', languages });
    expect(path.decide(opinions, { isLast: true })).toEqual(['de', 'en']);
    expect(decide(opinions)).toEqual(['en', 'en']);
  });

  it('puts an unsure stretch at a change on the side that it is more like', () => {
    const row = (share: number) => [share, 0.6 - share, 0, 0.4, 0];
    const like = (share: number) => toOpinion(LANGUAGES, row(share), { speechSeconds: 3 });
    expect(decide([heard('en'), like(0.4), heard('de')])).toEqual(['en', 'en', 'de']);
    expect(decide([heard('en'), like(0.2), heard('de')])).toEqual(['en', 'de', 'de']);
  });

  it('asks for more evidence for a near relative', () => {
    const relative = toOpinion(LANGUAGES, [0, 0, 0.05, 0, 0.95], { speechSeconds: 20 });
    const stranger = toOpinion(LANGUAGES, [0.95, 0, 0.05, 0, 0], { speechSeconds: 20 });
    expect(decide([heard('es'), relative, heard('es')], 'es')).toEqual(['es', 'es', 'es']);
    expect(decide([heard('es'), stranger, heard('es')], 'es')).toEqual(['es', 'en', 'es']);
  });

  it('does not change to a language that was named only since none better is allowed', () => {
    const options = { allowed: ['en', 'de'], speechSeconds: 20 };
    const neither = toOpinion(LANGUAGES, [0.001, 0.09, 0.9, 0, 0.009], options);
    expect(decide([heard('en'), neither, heard('en')])).toEqual(['en', 'en', 'en']);
  });

  it('at the end of a group waits for more of what may be one odd chunk', () => {
    const path = new LanguagePath(LANGUAGES, voteFor('en'));
    const odd = heard('de', 3.5);
    expect(path.decide([heard('en'), odd], { isLast: false })).toEqual(['en', 'en']);
    expect(path.decide([heard('en'), odd], { isLast: true })).toEqual(['en', 'de']);
  });

  it('remembers from group to group what was spoken', () => {
    const path = new LanguagePath(LANGUAGES, voteFor('en'));
    expect(path.decide([heard('en'), heard('de')], { isLast: false })).toEqual(['en', 'de']);
    const unsure = heard('en', 20, 0.5);
    expect(path.decide([unsure, unsure], { isLast: true })).toEqual(['de', 'de']);
  });

  it('gives one known language for each opinion, and the given one for equal opinions', () => {
    const opinion = fc.tuple(
      fc.constantFrom(...LANGUAGES),
      fc.double({ min: 0, max: 30, noNaN: true }),
      fc.double({ min: 0.21, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(opinion, { maxLength: 12 }), fc.boolean(), (drawn, isLast) => {
        const opinions = drawn.map((values) => heard(...values));
        const path = decide(opinions, 'en', isLast);
        expect(path).toHaveLength(opinions.length);
        for (const language of path) expect(LANGUAGES).toContain(language);
        const first = opinions.map(() => heard('en'));
        expect(new Set(decide(first, 'en', isLast)).size).toBeLessThanOrEqual(1);
      }),
    );
  });
});
