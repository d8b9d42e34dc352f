import { describe, expect, it } from 'vitest';
import { isBoilerplate } from '#origin/truth/boilerplate.ts';
import { judgeText, type TextEvidence } from '#origin/truth/judge-text.ts';
import { longestRepetition } from '#origin/truth/repetition.ts';

/** A clear sentence of three seconds; each test changes what it is about. */
const clear: TextEvidence = {
  text: 'The harbor office opens at seven.',
  speechSeconds: 3,
  avgLogProb: -0.2,
  noSpeechProb: 0.05,
  languageProbability: 0.98,
  timelessShare: 0,
};
const verdict = (changes: Partial<TextEvidence>) => judgeText({ ...clear, ...changes }).verdict;

describe('judgeText', () => {
  it('keeps a clear sentence', () => {
    expect(judgeText(clear)).toMatchObject({ verdict: 'keep', points: expect.closeTo(0.08, 1) });
  });

  it.each([
    'Thank you.',
    'Thanks for watching!',
    'No, no, no, no, no.',
    'Vielen Dank.',
    'ご視聴ありがとうございました',
    'Untertitel der Amara.org-Community',
  ])('keeps %j where it is clearly heard', (text) => {
    expect(verdict({ text, speechSeconds: 1.5 })).toBe('keep');
  });

  it('keeps repeated words that are clearly heard although the model doubts that there is speech', () => {
    const text = 'No, no, no, no, no, no, no, no.';
    const measured = { avgLogProb: -0.31, noSpeechProb: 0.69, languageProbability: 0.68 };
    expect(verdict({ text, ...measured })).toBe('keep');
  });

  it('keeps speech that is only badly heard', () => {
    const text = 'Y hay una chonta que si se hace, pero a la mocha, es muy poco fácil que esté.';
    const measured = { avgLogProb: -1.32, noSpeechProb: 0.39, languageProbability: 0.42 };
    expect(verdict({ text, speechSeconds: 6.5, ...measured })).not.toBe('reject');
  });

  it.each([
    {
      what: 'a known phrase over a hummed tune',
      evidence: { text: 'Thank you.', avgLogProb: -0.97, noSpeechProb: 0.88, speechSeconds: 5.8 },
    },
    {
      what: 'a sentence without any time over sweeping tones',
      evidence: {
        text: "I don't know what to do.",
        avgLogProb: -1.51,
        noSpeechProb: 0.34,
        timelessShare: 0.67,
      },
    },
    {
      what: 'a few signs over fifteen seconds of an organ',
      evidence: { text: '1-2-3', avgLogProb: -1.6, noSpeechProb: 0.19, speechSeconds: 15 },
    },
    {
      what: 'a loop that the model is unsure of and the aligner does not find',
      evidence: {
        text: 'Oh, oh, oh, oh, oh, oh',
        avgLogProb: -0.8,
        noSpeechProb: 0.2,
        alignmentScore: 0.02,
      },
    },
  ])('rejects $what, with the language given', ({ evidence }) => {
    expect(verdict({ ...evidence, languageProbability: 1 })).toBe('reject');
  });

  it('never rejects for one sign alone', () => {
    const signs: Partial<TextEvidence>[] = [
      { avgLogProb: -5 },
      { noSpeechProb: 1 },
      { languageProbability: 0 },
      { timelessShare: 1 },
      { text: 'no '.repeat(50) },
      { text: 'Thanks for watching!' },
      { speechSeconds: 30, avgLogProb: -0.6 },
      { alignmentScore: 0 },
    ];
    for (const sign of signs) expect(verdict(sign)).toBe('keep');
  });

  it('names the strongest sign', () => {
    expect(judgeText({ ...clear, noSpeechProb: 1 }).reason).toBe('there seems to be no speech');
  });
});

describe('isBoilerplate', () => {
  it.each([
    'Thanks for watching!',
    ' Thank you.',
    'Untertitel der Amara.org-Community',
    "Sous-titres réalisés par la communauté d'Amara.org",
    'ご視聴ありがとうございました',
    'Субтитры сделал DimaTorzok',
    '[Music]',
    '(applause)',
    '♪♪',
    '...',
    '请不吝点赞 订阅 转发 打赏支持明镜与点点栏目',
    'Bye.',
  ])('knows %j', (text) => {
    expect(isBoilerplate(text)).toBe(true);
  });

  it.each([
    'You never told me that.',
    'Bye for now, I will call you tomorrow.',
    'The end of the road is near.'.replace('The end', 'An end'),
    'Merci, merci, merci beaucoup, au revoir.',
    'Das Wetter ist schön.',
    '東京は晴れです。',
  ])('does not know %j', (text) => {
    expect(isBoilerplate(text)).toBe(false);
  });
});

describe('longestRepetition', () => {
  it('finds rounds of several words', () => {
    const words = 'so row your boat row your boat row your boat gently'.split(' ');
    expect(longestRepetition(words)).toEqual({
      firstWord: 1,
      endWord: 10,
      wordsPerRound: 3,
      rounds: 3,
    });
  });
  it('takes two rounds for speech', () => {
    expect(longestRepetition('bye bye now'.split(' '))).toBeNull();
  });
  it('does not mind punctuation and case', () => {
    expect(longestRepetition(['No,', 'no.', 'NO!'])).toMatchObject({ rounds: 3 });
  });
});
