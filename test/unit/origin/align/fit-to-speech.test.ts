import { describe, expect, it } from 'vitest';
import { fitToSpeech } from '#origin/align/fit-to-speech.ts';

type Pair = readonly [number, number];
const toSpan = ([startSeconds, endSeconds]: Pair) => ({ startSeconds, endSeconds });

/** Words after fitting; `looked` is where the decoder looked for each. */
function fitted(
  words: readonly Pair[],
  speech: readonly Pair[],
  looked: readonly Pair[] = words,
): Pair[] {
  const spans = words.map(toSpan);
  fitToSpeech(spans, speech.map(toSpan), (index, start, end) => {
    const [from, to] = looked[index]!;
    return Math.max(0, Math.min(end, to) - Math.max(start, from));
  });
  return spans.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]);
}

describe('fitToSpeech', () => {
  it('moves a start in silence to the onset and an end in silence to the offset', () => {
    expect(fitted([[0, 1]], [[0.4, 0.9]])).toEqual([[0.4, 0.9]]);
  });

  it('leaves words inside speech alone', () => {
    expect(fitted([[1, 2]], [[0, 3]])).toEqual([[1, 2]]);
  });

  it('leaves a word that lies in silence altogether', () => {
    expect(fitted([[1, 2]], [[3, 4]])).toEqual([[1, 2]]);
    expect(fitted([[1, 2]], [])).toEqual([[1, 2]]);
  });

  it('keeps the side of a pause that the attention is on, and gives the other to the word before', () => {
    const words: Pair[] = [
      [0.5, 1],
      [1, 3],
    ];
    const speech: Pair[] = [
      [0.4, 1.4],
      [2.4, 3.2],
    ];
    expect(fitted(words, speech, [words[0]!, [2.5, 3]])).toEqual([
      [0.5, 1.4],
      [2.4, 3],
    ]);
    expect(fitted(words, speech, [words[0]!, [1, 1.3]])).toEqual([
      [0.5, 1],
      [1, 1.4],
    ]);
  });

  it('gives nothing to a word before that ended earlier', () => {
    const words: Pair[] = [
      [0.5, 0.8],
      [1, 3],
    ];
    const speech: Pair[] = [
      [0.4, 1.4],
      [2.4, 3.2],
    ];
    expect(fitted(words, speech, [words[0]!, [2.5, 3]])[0]).toEqual([0.5, 0.8]);
  });

  it('takes a gap shorter than 0.2 s for part of the word', () => {
    expect(
      fitted(
        [[1, 2]],
        [
          [0, 1.4],
          [1.55, 3],
        ],
      ),
    ).toEqual([[1, 2]]);
  });
});
