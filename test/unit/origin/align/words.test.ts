import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type WordTimesInput, wordTimes } from '#origin/align/words.ts';

/**
 * Attention of a decoder that looks at each token for its frames only, a little at everything else; the row after the
 * last is the end token's.
 */
function attention(stretches: readonly (readonly [number, number])[], frames: number) {
  const rows = stretches.length;
  const weights = new Float32Array(rows * frames).fill(-0.3);
  stretches.forEach(([start, end], row) => {
    weights.fill(3, row * frames + start, row * frames + end);
  });
  return { weights, rows, frames };
}

/** Three words of 0.4 s each from 1 s on, 4 s of audio; the last stretch is the end's. */
const PLAIN = {
  pieces: [' one', ' two', '.', ' three'],
  stretches: [
    [50, 70],
    [70, 90],
    [90, 110],
    [110, 130],
    [130, 200],
  ] as const,
};

function input(
  { pieces, stretches }: { pieces: readonly string[]; stretches: typeof PLAIN.stretches },
  more: Partial<WordTimesInput> = {},
): WordTimesInput {
  return {
    decode: (ids) => ids.map((id) => pieces[id]).join(''),
    tokenIds: pieces.map((_, index) => index),
    tokenLogProbs: pieces.map(() => Math.log(0.5)),
    alignment: attention(stretches, 200),
    chunkStartSeconds: 0,
    chunkEndSeconds: 4,
    ...more,
  };
}

/** Onsets come a little after the stretch begins: within 0.1 s. */
function expectTimes(
  words: readonly { startSeconds: number; endSeconds: number }[],
  expected: readonly (readonly [number, number])[],
) {
  expect(words).toHaveLength(expected.length);
  expected.forEach(([start, end], index) => {
    expect(words[index]!.startSeconds).toBeGreaterThanOrEqual(start - 1e-9);
    expect(words[index]!.startSeconds).toBeLessThan(start + 0.1);
    expect(words[index]!.endSeconds).toBeCloseTo(end, 9);
  });
}

describe('wordTimes', () => {
  it('finds where the decoder looked for each word', () => {
    const words = wordTimes(input(PLAIN));
    expect(words.map(({ text }) => text)).toEqual(['one', 'two.', 'three']);
    expectTimes(words.slice(1), [
      [1.4, 1.8],
      [2.2, 2.6],
    ]);
  });

  it('gives times in the recording, not in the chunk', () => {
    const words = wordTimes(input(PLAIN, { chunkStartSeconds: 100, chunkEndSeconds: 104 }));
    expectTimes(words.slice(1), [
      [101.4, 101.8],
      [102.2, 102.6],
    ]);
  });

  it('starts a word at its own attention, not at the silence before it', () => {
    const [first] = wordTimes(input(PLAIN));
    expectTimes([first!], [[1, 1.4]]);
  });

  it('looks at no frame after the end of the audio', () => {
    const words = wordTimes(input(PLAIN, { chunkEndSeconds: 2.4 }));
    expect(words.at(-1)!.endSeconds).toBeLessThanOrEqual(2.4);
  });

  it('moves starts to the onset and ends to the offset of speech', () => {
    const speech = [
      { startSeconds: 1.1, endSeconds: 1.7 },
      { startSeconds: 2.3, endSeconds: 2.5 },
    ];
    const words = wordTimes(input(PLAIN, { speech }));
    expect(words[0]!.startSeconds).toBeCloseTo(1.1);
    expect(words[1]!.endSeconds).toBeCloseTo(1.7);
    expect(words[2]!.startSeconds).toBeCloseTo(2.3);
    expect(words[2]!.endSeconds).toBeCloseTo(2.5);
  });

  it('scores a word with the geometric mean of its tokens’ probabilities, punctuation left out', () => {
    const logProbs = [0.9, 0.25, 1e-6, 0.64].map(Math.log);
    const words = wordTimes(
      input({ ...PLAIN, pieces: [' fish', 'ing', '.', ' x'] }, { tokenLogProbs: logProbs }),
    );
    expect(words.map(({ score }) => score)).toEqual([
      expect.closeTo(Math.sqrt(0.9 * 0.25)),
      expect.closeTo(0.64),
    ]);
  });

  it('refuses an alignment that is not of these tokens', () => {
    expect(() => wordTimes(input(PLAIN, { tokenIds: [0, 1] }))).toThrow('5 rows for 2 tokens');
  });

  it('has no words for no text', () => {
    const alignment = attention([[0, 200]], 200);
    expect(wordTimes(input(PLAIN, { tokenIds: [], alignment }))).toEqual([]);
  });

  it('keeps words in order and inside the chunk, whatever attention and speech are', () => {
    const span = fc.tuple(
      fc.double({ min: -1, max: 6, noNaN: true }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
    );
    const random = fc.record({
      pieces: fc.array(fc.constantFrom(' a', 'bc', '.', ' long', '今', ' ("'), {
        minLength: 1,
        maxLength: 30,
      }),
      frames: fc.integer({ min: 1, max: 120 }),
      seconds: fc.double({ min: 0.01, max: 3, noNaN: true }),
      seed: fc.integer({ min: 1, max: 1e6 }),
      spans: fc.array(span, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(random, ({ pieces, frames, seconds, seed, spans }) => {
        const rows = pieces.length + 1;
        const weights = Float32Array.from(
          { length: rows * frames },
          (_, i) => Math.sin(seed * (i + 1)) * 3,
        );
        let at = 0;
        const speech = spans.map(([gap, length]) => {
          const startSeconds = at + Math.abs(gap);
          at = startSeconds + length;
          return { startSeconds, endSeconds: at };
        });
        const words = wordTimes(
          input(
            { ...PLAIN, pieces },
            { alignment: { weights, rows, frames }, chunkEndSeconds: seconds, speech },
          ),
        );
        let last = 0;
        for (const { startSeconds, endSeconds, score } of words) {
          expect(startSeconds).toBeGreaterThanOrEqual(last);
          expect(endSeconds).toBeGreaterThanOrEqual(startSeconds);
          last = endSeconds;
          expect(score).toBeGreaterThan(0);
        }
        expect(last).toBeLessThanOrEqual(seconds);
      }),
    );
  });
});
