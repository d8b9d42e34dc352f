import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateSentences, splitSentences } from '#origin/align/sentences.ts';
import { findWords, joinTexts } from '#origin/align/unspaced-scripts.ts';
import type { AlignedWord } from '#origin/align/words.ts';

/** Words of 0.3 s with 0.05 s between them; "|" is a pause of that many seconds more. */
function words(text: string, pauseSeconds = 0.6): AlignedWord[] {
  let at = 0;
  return findWords(text.replaceAll('|', ' | ')).flatMap(({ text: word }, index, all) => {
    if (word === '|') {
      at += pauseSeconds;
      return [];
    }
    const startSeconds = at;
    at += 0.35;
    const previous = all[index - 1];
    const spaceBefore = text.includes(` ${word}`) && previous !== undefined;
    return [{ text: word, startSeconds, endSeconds: startSeconds + 0.3, score: 1, spaceBefore }];
  });
}

const texts = (text: string, pauseSeconds?: number) =>
  splitSentences(words(text, pauseSeconds)).map((segment) => segment.text);

describe('splitSentences', () => {
  it('splits at full stops, question and exclamation marks, also inside quotes', () => {
    expect(texts('It works. Does it? "Yes!" Good… He left.')).toEqual([
      'It works.',
      'Does it?',
      '"Yes!"',
      'Good…',
      'He left.',
    ]);
  });

  it('runs from the first word’s start to the last word’s end and keeps the words', () => {
    const [first, second] = splitSentences(words('It works. Now rest.'));
    expect(first).toMatchObject({ startSeconds: 0, endSeconds: expect.closeTo(0.65) });
    expect(second!.startSeconds).toBeCloseTo(0.7);
    expect(second!.words.map(({ text }) => text)).toEqual(['Now', 'rest.']);
    expect(second!.words[0]).not.toHaveProperty('spaceBefore');
  });

  it.each([
    'Mr. Quilter met Dr. Smith.',
    'Das gilt z.B. Montags, d.h. Oft.',
    'We paid 3.50 dollars at No. 5 today.',
    'Am 3. Mai kam J. R. Tolkien.',
    'Apples, pears, etc. Were sold.',
    'He said... well, nothing.',
    'El Sr. García vive aquí.',
  ])('keeps abbreviations, initials, ordinals and decimals together: %s', (text) => {
    expect(texts(text)).toEqual([text]);
  });

  it('splits after an abbreviation that may end a sentence when the speaker pauses', () => {
    expect(texts('Apples, etc.| They were sold.')).toEqual(['Apples, etc.', 'They were sold.']);
    expect(texts('Mr.| Quilter came.')).toEqual(['Mr. Quilter came.']);
  });

  it('splits at a long silence without any mark', () => {
    expect(texts('and so| we went', 2)).toEqual(['and so', 'we went']);
    expect(texts('and so| we went', 1)).toEqual(['and so we went']);
  });

  it('splits texts without spaces at their own marks and joins them without spaces', () => {
    expect(texts('今日は雨です。明日は？晴れ！')).toEqual(['今日は雨です。', '明日は？', '晴れ！']);
  });

  it.each([
    ['ar', 'هل وصلت؟ نعم وصلت.', 2],
    ['hi', 'यह काम है। ठीक है।', 2],
    ['my', 'ဟုတ်တယ်။ကောင်းတယ်။', 2],
  ])('knows the marks of other scripts (%s)', (_, text, count) => {
    expect(texts(text)).toHaveLength(count);
  });

  it('divides an endless sentence at a clause or pause near its middle', () => {
    const half = 'so we went on and on and on over the hills and far away until it was dark, ';
    const parts = texts(half.repeat(6).trim());
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.every((part) => part.length <= 400)).toBe(true);
    expect(parts[0]).toMatch(/dark,$/);
  });

  it('keeps every word once and in order', () => {
    const word = fc.constantFrom('a', 'b.', 'Mr.', '3.', 'C?', '今', '。', 'etc.', 'x,');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 300 }), (list) => {
        const given = words(list.join(' '));
        const segments = splitSentences(given);
        expect(segments.flatMap((segment) => segment.words.map(({ text }) => text))).toEqual(
          given.map(({ text }) => text),
        );
        for (const { startSeconds, endSeconds } of segments) {
          expect(endSeconds - startSeconds).toBeLessThanOrEqual(30);
        }
      }),
    );
  });
});

describe('estimateSentences', () => {
  const span = { startSeconds: 10, endSeconds: 20 };

  it('spreads the text evenly over the span', () => {
    const segments = estimateSentences(' Four. Five. ', span);
    expect(segments).toEqual([
      {
        text: 'Four.',
        startSeconds: 10,
        endSeconds: expect.closeTo(10 + (10 * 5) / 11),
        words: [],
      },
      {
        text: 'Five.',
        startSeconds: expect.closeTo(10 + (10 * 6) / 11),
        endSeconds: 20,
        words: [],
      },
    ]);
  });

  it('spreads it over the speech only, so that pauses fall between sentences', () => {
    const speech = [
      { startSeconds: 10, endSeconds: 11 },
      { startSeconds: 18, endSeconds: 19 },
    ];
    const [first, second] = estimateSentences('Abcd. Efgh.', span, speech);
    expect(first!.endSeconds).toBeLessThanOrEqual(11);
    expect(second!.startSeconds).toBeGreaterThanOrEqual(18);
    expect(second!.endSeconds).toBe(19);
  });

  it('keeps brackets and spaced marks with their sentence', () => {
    const sentences = (text: string) => estimateSentences(text, span).map((each) => each.text);
    expect(sentences('行った。「はい」と言った。')).toEqual(['行った。', '「はい」と言った。']);
    expect(sentences('« Ça va ? » Oui !')).toEqual(['« Ça va ? »', 'Oui !']);
  });

  it('has no sentence for no text', () => {
    expect(estimateSentences('  ', span)).toEqual([]);
  });

  it('keeps the text, the order and the span', () => {
    const text = fc.stringMatching(/^[a-z今。.?! ]{0,80}$/);
    const gaps = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 4 })),
      {
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(text, gaps, (sample, list) => {
        let at = 8;
        const speech = list.map(([gap, length]) => {
          const startSeconds = at + gap;
          at = startSeconds + length;
          return { startSeconds, endSeconds: at };
        });
        const segments = estimateSentences(sample, span, speech);
        let last = span.startSeconds;
        for (const { startSeconds, endSeconds } of segments) {
          expect(startSeconds).toBeGreaterThanOrEqual(last - 1e-9);
          expect(endSeconds).toBeGreaterThanOrEqual(startSeconds - 1e-9);
          last = endSeconds;
        }
        expect(last).toBeLessThanOrEqual(span.endSeconds + 1e-9);
        const joined = segments.map((segment) => segment.text).join('');
        expect(joined.replace(/\s/g, '')).toBe(sample.replace(/\s/g, ''));
      }),
    );
  });
});

describe('joinTexts', () => {
  it('puts a space between texts, but none between scripts without spaces', () => {
    expect(joinTexts([' One. ', '', 'Two.'])).toBe('One. Two.');
    expect(joinTexts(['今日は。', '明日'])).toBe('今日は。明日');
    expect(joinTexts(['今日', 'iPhone'])).toBe('今日 iPhone');
  });
});
