import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignSpeakers } from '#origin/diarize/assign-speakers.ts';
import type { SpeakerTurn, Word } from '#shared/contracts/transcript.ts';

const turn = (speaker: string, startSeconds: number, endSeconds: number): SpeakerTurn => ({
  speaker,
  startSeconds,
  endSeconds,
});
const word = (text: string, startSeconds: number, endSeconds: number): Word => ({
  text,
  startSeconds,
  endSeconds,
  score: 0.9,
});
const speakersOf = (words: readonly Word[]) => words.map(({ speaker }) => speaker);

describe('assignSpeakers', () => {
  it('gives a word the speaker who talks longest in it', () => {
    const turns = [turn('A', 0, 1), turn('B', 1, 2)];
    const words = assignSpeakers([word('one', 0.7, 1.1), word('two', 0.9, 1.6)], { turns });
    expect(speakersOf(words)).toEqual(['A', 'B']);
    expect(words[0]?.speakerConfidence).toBeCloseTo(0.75);
  });

  it('gives a word outside all turns the nearest one, unless that is far away', () => {
    const turns = [turn('A', 0, 1), turn('B', 3, 4)];
    const words = assignSpeakers([word('near', 2.5, 2.8), word('far', 30, 31)], { turns });
    expect(speakersOf(words)).toEqual(['B', undefined]);
    expect(words[0]?.speakerConfidence).toBe(0);
  });

  it('says where two talk at once', () => {
    const turns = [turn('A', 0, 2), turn('B', 1, 2)];
    const [alone, both] = assignSpeakers([word('a', 0.2, 0.8), word('b', 1.2, 1.8)], { turns });
    expect([alone?.isOverlapped, both?.isOverlapped]).toEqual([false, true]);
    expect(both?.speaker).toBe('A');
    expect(both?.speakerConfidence).toBeCloseTo(0.5);
  });

  it('leaves a lone short word with its neighbours, but not where a pause sets it apart', () => {
    const turns = [turn('A', 0, 1), turn('B', 1, 1.3), turn('A', 1.3, 3)];
    const joined = [word('I', 0.5, 0.95), word('am', 1, 1.3), word('here', 1.35, 1.8)];
    expect(speakersOf(assignSpeakers(joined, { turns }))).toEqual(['A', 'A', 'A']);
    const apart = [word('I', 0.2, 0.6), word('yes', 1, 1.3), word('am', 1.6, 1.9)];
    expect(speakersOf(assignSpeakers(apart, { turns }))).toEqual(['A', 'B', 'A']);
  });

  it('keeps the words, their order and everything else they had', () => {
    const time = fc.double({ min: 0, max: 50, noNaN: true });
    const turns = fc.array(
      fc
        .tuple(fc.constantFrom('A', 'B', 'C'), time, time)
        .map(([s, a, b]) => turn(s, Math.min(a, b), Math.max(a, b))),
    );
    const words = fc.array(
      fc.tuple(fc.string(), time, time).map(([t, a, b]) => word(t, Math.min(a, b), Math.max(a, b))),
    );
    fc.assert(
      fc.property(words, turns, (list, all) => {
        const sorted = [...list].sort((a, b) => a.startSeconds - b.startSeconds);
        const result = assignSpeakers(sorted, { turns: all });
        expect(result.map(({ text, startSeconds }) => [text, startSeconds])).toEqual(
          sorted.map(({ text, startSeconds }) => [text, startSeconds]),
        );
        for (const { speaker, speakerConfidence: sure } of result) {
          if (speaker === undefined) continue;
          expect(all.some((t) => t.speaker === speaker)).toBe(true);
          expect(sure).toBeGreaterThanOrEqual(0);
          expect(sure).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
