import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeWords } from '#origin/truth/merge-words.ts';

/** "one two" from `at` on, 0.4 s a word. */
const said = (text: string, at: number) =>
  text.split(' ').map((word, i) => ({
    text: word,
    startSeconds: at + 0.4 * i,
    endSeconds: at + 0.4 * (i + 1),
  }));
const textOf = (words: readonly { text: string }[]) => words.map(({ text }) => text).join(' ');

describe('mergeWords', () => {
  it('puts what was found between the words around it', () => {
    const first = [...said('before it', 0), ...said('after it', 10)];
    const { words, added } = mergeWords(first, said('here I am', 4), {
      startSeconds: 3,
      endSeconds: 8,
    });
    expect(textOf(words)).toBe('before it here I am after it');
    expect(textOf(added)).toBe('here I am');
  });

  it('says a word at either seam once, whatever its punctuation', () => {
    const first = [...said('ask not.', 0), ...said('Country can', 5)];
    const found = said('not what your country', 0.9);
    const { words } = mergeWords(first, found, { startSeconds: 0.9, endSeconds: 4.8 });
    expect(textOf(words)).toBe('ask not. what your country Country can');
    const near = mergeWords(first, said('not what your country', 3.2), {
      startSeconds: 0.9,
      endSeconds: 4.8,
    });
    expect(textOf(near.words)).toBe('ask not. not what your Country can');
  });

  it('keeps a word that is really said again later', () => {
    const first = said('no no', 0);
    const { words } = mergeWords(first, said('no no', 4), { startSeconds: 3, endSeconds: 6 });
    expect(textOf(words)).toBe('no no no no');
  });

  it('leaves out words that belong to the context of the stretch', () => {
    const found = [...said('fellow', 0.2), ...said('Americans', 2)];
    const { added } = mergeWords(said('And my fellow', 0), found, {
      startSeconds: 1.5,
      endSeconds: 4,
    });
    expect(textOf(added)).toBe('Americans');
  });

  it('moves a word that was stretched over the skipped speech to its own place', () => {
    const first = [{ text: 'and', startSeconds: 1, endSeconds: 9 }];
    const { words } = mergeWords(first, said('we went and saw', 1.2), {
      startSeconds: 1,
      endSeconds: 9,
    });
    expect(textOf(words)).toBe('we went and saw');
  });

  it('keeps every word of the first attempt that was not heard again, in order of time', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 });
    fc.assert(
      fc.property(texts, texts, fc.integer({ min: 0, max: 20 }), (before, found, at) => {
        const first = before.length > 0 ? said(before.join(' '), 0) : [];
        const again = found.length > 0 ? said(found.join(' '), at / 4) : [];
        const stretch = { startSeconds: at / 4, endSeconds: at / 4 + 3 };
        const { words, added } = mergeWords(first, again, stretch);
        expect(words.length).toBeGreaterThanOrEqual(added.length);
        let latest = 0;
        for (const { startSeconds, endSeconds } of words) {
          expect(startSeconds).toBeGreaterThanOrEqual(latest);
          expect(endSeconds).toBeGreaterThanOrEqual(startSeconds);
          latest = endSeconds;
        }
        if (again.length === 0) expect(words).toEqual(first);
      }),
    );
  });
});
