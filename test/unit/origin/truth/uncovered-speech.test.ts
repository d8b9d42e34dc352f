import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlapSeconds, secondsOf, subtractSpans } from '#origin/truth/spans.ts';
import { isTooShortFor, uncoveredSpeech } from '#origin/truth/uncovered-speech.ts';

const word = (text: string, startSeconds: number, endSeconds: number) => ({
  text,
  startSeconds,
  endSeconds,
});
const span = (startSeconds: number, endSeconds: number) => ({ startSeconds, endSeconds });

describe('uncoveredSpeech', () => {
  it('finds nothing where words follow one another', () => {
    const words = [word('The', 0.1, 0.4), word('harbor', 0.4, 1), word('opens.', 1.2, 1.8)];
    expect(uncoveredSpeech(words, [span(0, 2)])).toEqual([]);
  });

  it('gives a whole stretch of speech without words', () => {
    const words = [word('Hello.', 0.1, 0.6)];
    expect(uncoveredSpeech(words, [span(0, 0.7), span(3, 6)])).toEqual([span(3, 6)]);
  });

  it('gives the middle that was skipped between two words', () => {
    const words = [word('one', 0, 0.4), word('ten', 5, 5.4)];
    const [found, ...others] = uncoveredSpeech(words, [span(0, 5.5)]);
    expect(others).toEqual([]);
    expect(found?.startSeconds).toBeCloseTo(0.6);
    expect(found?.endSeconds).toBeCloseTo(4.8);
  });

  it('leaves breaths and hesitations of less than 0.8 s alone', () => {
    expect(uncoveredSpeech([word('so', 0, 0.4)], [span(0, 0.4), span(2, 2.7)])).toEqual([]);
  });

  it('sees through a word that is stretched over skipped speech', () => {
    const words = [word('and', 1, 9)];
    expect(uncoveredSpeech(words, [span(1, 9)])).toEqual([span(1, 9)]);
  });

  it('lets a word span a pause, since a pause is no speech', () => {
    expect(uncoveredSpeech([word('and', 1, 9)], [span(1, 1.4), span(8.8, 9)])).toEqual([]);
  });

  it('joins pieces with a short pause between them into one stretch', () => {
    expect(uncoveredSpeech([], [span(0, 0.5), span(0.8, 1.3), span(9, 9.3)])).toEqual([
      span(0, 1.3),
    ]);
  });

  it('never gives time outside of speech and its short pauses, nor time of plausible words', () => {
    const spans = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })), {
        maxLength: 12,
      })
      .map((steps) => {
        let at = 0;
        return steps.map(([gap, length]) => {
          const startSeconds = at + gap / 10;
          at = startSeconds + length / 10;
          return span(startSeconds, at);
        });
      });
    fc.assert(
      fc.property(spans, spans, (speech, places) => {
        const words = places.map((place) => ({ ...place, text: 'conversation' }));
        for (const stretch of uncoveredSpeech(words, speech)) {
          const heard = secondsOf(speech.map((s) => span(0, overlapSeconds(s, stretch))));
          expect(heard).toBeGreaterThanOrEqual(0.79);
          expect(speech.some((s) => Math.abs(s.startSeconds - stretch.startSeconds) < 40)).toBe(
            true,
          );
        }
      }),
    );
  });
});

describe('subtractSpans', () => {
  it('leaves exactly what nothing else takes', () => {
    expect(subtractSpans([span(0, 10)], [span(2, 3), span(2.5, 4), span(9, 12)])).toEqual([
      span(0, 2),
      span(4, 9),
    ]);
  });
});

describe('isTooShortFor', () => {
  it('knows that two words cannot fill ten seconds of speech', () => {
    expect(isTooShortFor('Thank you.', [span(0, 10)])).toBe(true);
  });
  it('lets slow speech be', () => {
    expect(isTooShortFor('Four score and seven years ago', [span(0, 6)])).toBe(false);
  });
  it('counts each sign of a script without spaces', () => {
    expect(isTooShortFor('今日はとても良い天気ですね', [span(0, 6)])).toBe(false);
  });
});
