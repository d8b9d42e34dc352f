import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lendTimes } from '#origin/align/lend-times.ts';
import { estimateWords } from '#origin/align/sentences.ts';
import type { AlignedWord } from '#origin/align/words.ts';

const SPAN = { startSeconds: 10, endSeconds: 20 };

/** A word every half a second from 10 s on. */
function heardAs(text: string): AlignedWord[] {
  return text.split(' ').map((word, i) => ({
    text: word,
    startSeconds: 10 + i / 2,
    endSeconds: 10.4 + i / 2,
    score: 0.9,
    spaceBefore: true,
    timing: 'attention',
  }));
}

function lend(text: string, heard: string) {
  return lendTimes(estimateWords(text, SPAN), heardAs(heard), SPAN);
}

describe('lendTimes', () => {
  it('gives equal words the times and scores of the other', () => {
    const words = lend('Guten Morgen, Ada.', 'guten morgen ada');
    expect(words?.map(({ startSeconds }) => startSeconds)).toEqual([10, 10.5, 11]);
    expect(words?.map(({ text }) => text)).toEqual(['Guten', 'Morgen,', 'Ada.']);
    expect(new Set(words?.map(({ timing, score }) => `${timing} ${score}`))).toEqual(
      new Set(['attention 0.9']),
    );
  });

  it('gives another word in the place of one its times, and no score', () => {
    const words = lend('the harbour office opens', 'the harbor office opens');
    expect(words?.[1]).toMatchObject({ startSeconds: 10.5, endSeconds: 10.9, score: 0 });
  });

  it('puts words that only the text has between their neighbours', () => {
    const words = lend('one two really three', 'one two three');
    expect(words?.[2]).toMatchObject({ text: 'really', timing: 'estimated', startSeconds: 10.9 });
    expect(words?.[2]?.endSeconds).toBeLessThanOrEqual(11);
    expect(words?.[3]).toMatchObject({ startSeconds: 11, timing: 'attention' });
  });

  it('puts words before the first known one right before it', () => {
    const heard = heardAs('one two three').map((word) => ({
      ...word,
      startSeconds: word.startSeconds + 5,
      endSeconds: word.endSeconds + 5,
    }));
    const words = lendTimes(estimateWords('well one two three', SPAN), heard, SPAN);
    expect(words?.[0]?.startSeconds).toBeGreaterThan(14);
    expect(words?.[0]?.endSeconds).toBeCloseTo(15);
  });

  it('passes over what only the other heard', () => {
    const words = lend('one two three', 'one oh two uh three');
    expect(words?.map(({ startSeconds }) => startSeconds)).toEqual([10, 11, 12]);
  });

  it('gives nothing where the texts have little in common', () => {
    expect(lend('one two three four', 'un deux trois four')).toBeNull();
    expect(lendTimes(estimateWords('one two', SPAN), [], SPAN)).toBeNull();
  });

  it('keeps every word, in order and within the span, whatever was heard', () => {
    const words = fc.array(fc.constantFrom('a', 'bb', 'ccc', '…', 'ä', '7'), { maxLength: 30 });
    fc.assert(
      fc.property(words, words, (own, others) => {
        const estimated = estimateWords(own.join(' '), SPAN);
        const lent = lendTimes(estimated, others.length > 0 ? heardAs(others.join(' ')) : [], SPAN);
        if (lent === null) return;
        expect(lent.map(({ text }) => text)).toEqual(estimated.map(({ text }) => text));
        let latest = SPAN.startSeconds;
        for (const { startSeconds, endSeconds } of lent) {
          expect(startSeconds).toBeGreaterThanOrEqual(latest);
          expect(endSeconds).toBeGreaterThanOrEqual(startSeconds);
          latest = endSeconds;
        }
        expect(latest).toBeLessThanOrEqual(SPAN.endSeconds);
      }),
    );
  });
});
