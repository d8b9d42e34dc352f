import { describe, expect, it } from 'vitest';
import { spokenLanguages } from '#origin/pipeline/spoken-languages.ts';

const DETECTED = [
  { language: 'en', probability: 0.7 },
  { language: 'de', probability: 0.295 },
  { language: 'cy', probability: 0.005 },
];

function chunk(language: string, seconds: number) {
  const vote = { language, probability: 0.7, languages: DETECTED };
  return { vote, speech: [{ startSeconds: 10, endSeconds: 10 + seconds }] };
}

describe('spokenLanguages', () => {
  it('gives the share of speech of each language, most first, where there are several', () => {
    const chunks = [chunk('en', 10), chunk('de', 25), chunk('en', 5)];
    expect(spokenLanguages(chunks)).toEqual({
      main: 'de',
      shares: [
        { language: 'de', probability: 0.625 },
        { language: 'en', probability: 0.375 },
      ],
      isMixed: true,
    });
  });

  it('gives what detection thought of a recording in one language, without its noise', () => {
    const { main, shares, isMixed } = spokenLanguages([chunk('en', 10), chunk('en', 5)]);
    expect({ main, isMixed }).toEqual({ main: 'en', isMixed: false });
    expect(shares.map(({ language }) => language)).toEqual(['en', 'de']);
    expect(shares[0]?.probability).toBeCloseTo(0.7);
  });

  it('knows no language where nothing was said', () => {
    expect(spokenLanguages([])).toEqual({ main: null, shares: [], isMixed: false });
  });
});
