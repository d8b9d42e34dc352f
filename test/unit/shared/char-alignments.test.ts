import { describe, expect, it } from 'vitest';
import { toChars } from '#shared/contracts/char-alignments.ts';
import type { Word } from '#shared/contracts/transcript.ts';

const letter = (text: string, startSeconds: number | null) => ({
  text,
  startSeconds,
  endSeconds: startSeconds === null ? null : startSeconds + 0.1,
  score: startSeconds === null ? null : 0.98765,
});

function word(text: string, characters?: Word['characters']): Word {
  const times = { startSeconds: 0, endSeconds: 1, score: 1 };
  return { text, ...times, ...(characters !== undefined && { characters }) };
}

function charsOf(text: string, ...words: Word[]) {
  return toChars({ text, startSeconds: 0, endSeconds: 1, words });
}

describe('toChars', () => {
  it('lists every character, spaces included, and leaves out times that nobody knows', () => {
    const hi = word('Hi', [letter('H', 0.1), letter('i', 0.2)]);
    const seven = word('7.', [letter('7', null), letter('.', null)]);
    expect(charsOf('Hi 7.', hi, seven)).toEqual([
      { char: 'H', start: 0.1, end: 0.2, score: 0.988 },
      { char: 'i', start: 0.2, end: 0.3, score: 0.988 },
      { char: ' ' },
      { char: '7' },
      { char: '.' },
    ]);
  });

  it('keeps the text where a word was not aligned, or its characters are not its letters', () => {
    const chars = charsOf('a é b', word('a', [letter('a', 0)]), word('é'), word('b', []));
    expect(chars?.map(({ char }) => char).join('')).toBe('a é b');
    expect(chars?.filter(({ start }) => start !== undefined)).toHaveLength(1);
  });

  it('gives nothing where no word was aligned', () => {
    expect(charsOf('a b', word('a'), word('b'))).toBeUndefined();
  });
});
