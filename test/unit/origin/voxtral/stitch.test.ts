import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparableWords, type PieceText, stitchTexts } from '#origin/voxtral/stitch.ts';

/** Two pieces that share `overlapSeconds`, at 2 words a second. */
function pair(left: string, right: string, overlapSeconds: number): PieceText[] {
  const length = (text: string) => Math.max(1, comparableWords(text).length / 2);
  return [
    { text: left, durationSeconds: length(left), overlapSeconds: 0 },
    { text: right, durationSeconds: length(right), overlapSeconds },
  ];
}

function joined(pieces: readonly PieceText[]): string {
  return stitchTexts(pieces).texts.join(' ');
}

describe('stitchTexts', () => {
  it('takes nothing away where pieces do not overlap', () => {
    expect(joined(pair('ja ja', 'ja ja', 0))).toBe('ja ja ja ja');
  });

  it('keeps words that both pieces heard once', () => {
    const pieces = pair('one two three four five six', 'five six seven eight nine ten', 1);
    expect(joined(pieces)).toBe('one two three four five six seven eight nine ten');
  });

  it('looks past case and punctuation', () => {
    const pieces = pair('We went home and then we slept.', 'Then, we slept until noon.', 1.5);
    expect(joined(pieces)).toBe('We went home and then we slept until noon.');
  });

  it('drops words that the cut has broken', () => {
    const pieces = pair('a b c d e f g hal', 'ken f g halfway i j k', 2);
    expect(joined(pieces)).toBe('a b c d e f g halfway i j k');
  });

  it('keeps both texts and says so where nothing agrees', () => {
    const stitched = stitchTexts(pair('one two three', 'four five six', 1));
    expect(stitched).toEqual({ texts: ['one two three', 'four five six'], unmatched: [1] });
  });

  it('does not join at a chance word when many should agree', () => {
    const words = 'a b c d e f g h i j k l m n the';
    const other = 'the o p q r s t u v w x y z';
    expect(stitchTexts(pair(words, other, 5)).unmatched).toEqual([1]);
  });

  it('compares scripts without spaces letter by letter', () => {
    const pieces: PieceText[] = [
      { text: '今天天气很好我们去', durationSeconds: 3, overlapSeconds: 0 },
      { text: '我们去公园散步', durationSeconds: 2.5, overlapSeconds: 1 },
    ];
    expect(stitchTexts(pieces).texts.join('')).toBe('今天天气很好我们去公园散步');
  });

  it('takes repetitions by how long the overlap is', () => {
    expect(joined(pair('so no no no no', 'no no no no then', 1))).toBe('so no no no no no no then');
  });

  it('leaves a piece without text out', () => {
    expect(stitchTexts(pair('one two', '', 1))).toEqual({ texts: ['one two', ''], unmatched: [] });
  });

  it('loses and doubles no word of any text, wherever the overlap lies', () => {
    const cases = fc
      .uniqueArray(fc.integer({ min: 0, max: 5000 }), { minLength: 12, maxLength: 60 })
      .chain((words) =>
        fc.record({
          words: fc.constant(words.map((n) => `w${n}`)),
          shared: fc.integer({ min: 2, max: 8 }),
          cut: fc.integer({ min: 4, max: words.length - 4 }),
          brokenLeft: fc.boolean(),
          brokenRight: fc.boolean(),
        }),
      );
    fc.assert(
      fc.property(cases, ({ words, shared, cut, brokenLeft, brokenRight }) => {
        const from = Math.max(1, cut - Math.floor(shared / 2));
        const to = Math.min(words.length - 1, from + shared);
        // Word fragments stand beside the whole words that the other piece has.
        const left = [...words.slice(0, to), ...(brokenLeft && shared > 4 ? ['xfrag'] : [])];
        const right = [...(brokenRight && shared > 4 ? ['yfrag'] : []), ...words.slice(from)];
        expect(joined(pair(left.join(' '), right.join(' '), (to - from) / 2))).toBe(
          words.join(' '),
        );
      }),
    );
  });

  it('loses no word of a text that says few words again and again', () => {
    const cases = fc.record({
      left: fc.array(fc.constantFrom('ja', 'nein', 'und'), { minLength: 1, maxLength: 40 }),
      right: fc.array(fc.constantFrom('ja', 'nein', 'und'), { minLength: 1, maxLength: 40 }),
    });
    fc.assert(
      fc.property(cases, ({ left, right }) => {
        const pieces = pair(left.join(' '), right.join(' '), 0);
        expect(comparableWords(joined(pieces))).toEqual([...left, ...right]);
      }),
    );
  });
});
