import { describe, expect, it } from 'vitest';
import { wordTimeErrors } from '#test/bench/lib/word-time-errors.ts';

const word = (text: string, startSeconds: number, endSeconds: number) => ({
  word: text,
  startSeconds,
  endSeconds,
});

describe('wordTimeErrors', () => {
  it('compares the words that both sides have and skips the wrong ones', () => {
    const reference = [word('Mr', 1, 2), word('quilter', 2, 3), word('is', 3, 4)];
    const hypothesis = [word('Mr.', 1.5, 2), word('Kilter', 2, 3), word('is', 2.75, 4.25)];
    expect(wordTimeErrors(reference, hypothesis, 'en')).toEqual({
      referenceWords: 3,
      start: [0.5, -0.25],
      end: [0, 0.25],
    });
  });

  it('takes the start from the first and the end from the last part of a word that splits', () => {
    const reference = [word('time', 1, 2), word('line', 2, 3)];
    const { start, end } = wordTimeErrors(reference, [word('time-line', 1.5, 3.5)], 'en');
    expect({ start, end }).toEqual({ start: [0.5], end: [0.5] });
  });
});
