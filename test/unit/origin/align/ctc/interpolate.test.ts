import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate } from '#origin/align/ctc/interpolate.ts';
import type { WordSpan } from '#origin/align/ctc/word-spans.ts';

/** A word of `signs` letters, aligned from frame to frame. */
function found(startFrame: number, endFrame: number, signs = 5): WordSpan {
  return {
    startFrame,
    endFrame,
    signs,
    probabilitySum: signs,
    letters: signs,
    lastSignFrame: null,
  };
}

const ELSEWHERE = { startFrame: 900, endFrame: 950 };

function placesOf(
  spans: readonly (WordSpan | null)[],
  letters: readonly number[],
  seen: readonly { startFrame: number; endFrame: number }[] = spans.map(() => ELSEWHERE),
): (readonly [number, number])[] {
  const filled = interpolate(spans, { letters, seen, frames: 100 });
  return filled.map(({ startFrame, endFrame }) => [startFrame, endFrame]);
}

describe('interpolate', () => {
  it('takes the place where the attention saw the word', () => {
    const seen = [ELSEWHERE, { startFrame: 20, endFrame: 30 }, ELSEWHERE];
    expect(placesOf([found(0, 10), null, found(60, 70)], [5, 3, 5], seen)[1]).toEqual([20, 30]);
  });

  it('goes by the pace of the chunk where the attention saw it elsewhere', () => {
    // Ten frames for five letters.
    expect(placesOf([found(0, 10), null, found(60, 70)], [5, 8, 5])[1]).toEqual([10, 26]);
  });

  it('shares too little room out in proportion to length', () => {
    const places = placesOf([found(0, 10), null, null, found(19, 29)], [5, 8, 4, 5]);
    expect(places.slice(1, 3)).toEqual([
      [10, 16],
      [16, 19],
    ]);
  });

  it('puts words before the first with a place right before it', () => {
    expect(placesOf([null, found(60, 70)], [4, 5])[0]).toEqual([52, 60]);
  });

  it('puts words after the last with a place right after it', () => {
    expect(placesOf([found(60, 70), null], [5, 4])[1]).toEqual([70, 78]);
  });

  it('gives punctuation no time', () => {
    expect(placesOf([found(0, 10), null, found(60, 70)], [5, 0, 5])[1]).toEqual([10, 10]);
  });

  it('keeps order and the chunk, whatever the attention saw', () => {
    const word = fc.record({
      gap: fc.nat(8),
      length: fc.integer({ min: 1, max: 8 }),
      isFound: fc.boolean(),
      letters: fc.nat(9),
      seen: fc.tuple(fc.integer({ min: -50, max: 200 }), fc.nat(30)),
    });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (words) => {
        let at = 0;
        const spans = words.map(({ gap, length, isFound, letters }) => {
          at += gap + length;
          return isFound ? found(at - length, at, letters) : null;
        });
        const letters = words.map((one) => one.letters);
        const seen = words.map(({ seen: [start, frames] }) => ({
          startFrame: start,
          endFrame: start + frames,
        }));
        let earliest = 0;
        for (const [start, end] of placesOf(spans, letters, seen)) {
          expect(start).toBeGreaterThanOrEqual(earliest - 1e-9);
          expect(end).toBeGreaterThanOrEqual(start);
          earliest = end;
        }
        expect(earliest).toBeLessThanOrEqual(100 + 1e-9);
      }),
    );
  });
});
