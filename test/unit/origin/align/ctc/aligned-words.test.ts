import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignChunk } from '#origin/align/ctc/align-chunk.ts';
import type { ChunkAlignment } from '#origin/align/ctc/aligned-words.ts';
import { loadNumberSpeller } from '#origin/align/ctc/number-words.ts';
import { planAlignment } from '#origin/align/ctc/plan.ts';
import type { SignVocabulary } from '#origin/align/ctc/vocabulary.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import {
  ENGLISH,
  emissionsOf,
  frameSeconds,
  vocabularyOf,
  wordsOf,
} from '#test/unit/origin/align/ctc/spoken.ts';

const english = await loadNumberSpeller('en');

interface Scene {
  readonly vocabulary?: SignVocabulary;
  readonly language?: string;
  readonly speller?: typeof english;
  readonly words?: readonly AlignedWord[];
  readonly withCharacters?: boolean;
  readonly sure?: number;
}

/** Aligns a text with what a model heard, frame by frame, in a chunk at the recording's start. */
function align(text: string, heard: string, scene: Scene = {}): ChunkAlignment {
  const { vocabulary = ENGLISH, language = 'en', speller = null, withCharacters = false } = scene;
  const frames = heard.replaceAll(' ', '').length;
  const seconds = frames * 0.02 + 0.005;
  const words = scene.words ?? wordsOf(text, seconds);
  const plan = planAlignment(words, vocabulary, { language, speller });
  const emissions = emissionsOf(heard, plan, { vocabulary, sure: scene.sure ?? 0.98 });
  const result = alignChunk(
    words,
    { plan, emissions },
    { chunkStartSeconds: 0, chunkEndSeconds: seconds, withCharacters },
  );
  if (!result.ok) throw new Error(result.error.reason);
  return result.value;
}

/** Start and end of each word in frames. */
function framesOf({ words }: ChunkAlignment): (readonly [number, number])[] {
  const frame = (seconds: number) => Math.round((seconds - 0.0025) / 0.002) / 10;
  return words.map((word) => [frame(word.startSeconds), frame(word.endSeconds)]);
}

function timings({ words }: ChunkAlignment): (string | undefined)[] {
  return words.map((word) => word.timing);
}

describe('alignChunk', () => {
  it('gives a word the frames of its signs', () => {
    const result = align('The cat.', '___THE|__CAT|___');
    expect(framesOf(result)).toEqual([
      [3, 6],
      [9, 12],
    ]);
    expect(timings(result)).toEqual(['aligned', 'aligned']);
  });

  it('places a frame in the middle of the samples that it hears', () => {
    const [word] = align('A', '__A__').words;
    expect(word!.startSeconds).toBeCloseTo((2 * 320 + 40) / 16_000, 9);
    expect(word!.endSeconds).toBeCloseTo((3 * 320 + 40) / 16_000, 9);
  });

  it('counts from where the chunk begins and keeps the rest of the word', () => {
    const words = wordsOf('A B');
    const plan = planAlignment(words, ENGLISH, { language: 'en' });
    const result = alignChunk(
      words,
      { plan, emissions: emissionsOf('_A_B_', plan) },
      { chunkStartSeconds: 100, chunkEndSeconds: 100.08, withCharacters: false },
    );
    if (!result.ok) throw new Error(result.error.reason);
    expect(result.value.words[0]).toMatchObject({ text: 'A', score: 0.9, spaceBefore: false });
    expect(result.value.words[0]!.startSeconds).toBeCloseTo(100.0225, 9);
    expect(result.value.words[1]!.endSeconds).toBe(100.08);
  });

  it('lets the last sound of a word ring out where the model is sure of nothing else', () => {
    // A sign every sixth frame: the last one's sound goes on for half of what is left, 2.5 frames.
    expect(framesOf(align('CAT', '__C_____A_____T__________'))).toEqual([[2, 18]]);
  });

  it('ends the last sound at the delimiter and at the next word', () => {
    const result = align('CAT IS', '__C_____A_____T_|I_____S');
    expect(framesOf(result)[0]).toEqual([2, 16]);
    expect(framesOf(align('CAT IS', '__C_____A_____TI_____S'))[0]).toEqual([2, 15]);
  });

  it('gives the mean probability of the signs, of words and of the chunk', () => {
    const sure = align('The cat', '___THE|__CAT|___');
    expect(sure.meanScore).toBeCloseTo(0.98, 5);
    expect(sure.words[0]!.alignmentScore).toBeCloseTo(0.98, 5);
    const invented = align('Thank you', '___HELLO|WORLD__');
    expect(invented.meanScore).toBeLessThan(0.3);
  });

  it('gives a number all that is spoken between its neighbours', () => {
    const result = align('It costs 26 now', '_IT|COSTS|_TWENTY|SIX|_NOW_');
    expect(framesOf(result)).toEqual([
      [1, 3],
      [4, 9],
      [11, 21],
      [23, 26],
    ]);
    expect(timings(result)).toEqual(['aligned', 'aligned', 'interpolated', 'aligned']);
    expect(result.words[2]!.alignmentScore).toBeUndefined();
  });

  it('finds a number by its spoken form', () => {
    const result = align('It costs 26 now', '_IT|COSTS|_TWENTY|SIX|_NOW_', { speller: english });
    expect(framesOf(result)[2]).toEqual([11, 21]);
    expect(timings(result)[2]).toBe('aligned');
    expect(result.words[2]!.alignmentScore).toBeCloseTo(0.98, 5);
  });

  it('chooses the spoken form that was said', () => {
    const asYear = align('in 2026 we', '_IN|TWENTY|TWENTY|SIX|_WE_', { speller: english });
    expect(timings(asYear)[1]).toBe('aligned');
    expect(framesOf(asYear)[1]).toEqual([4, 21]);
    const asDigits = align('in 2026 we', '_IN|TWO|ZERO|TWO|SIX|_WE_', { speller: english });
    expect(timings(asDigits)[1]).toBe('aligned');
  });

  it('keeps the stretch where no spoken form fits', () => {
    const result = align('in 26 we', '_IN|QUARKMUCHLONGER|WE_', { speller: english });
    expect(timings(result)[1]).toBe('interpolated');
    expect(framesOf(result)[1]).toEqual([4, 19]);
  });

  it('parts a number from the symbol beside it by the spoken form', () => {
    const result = align('or 26 % more', '_OR|TWENTY|SIX|PERCENT|MORE_', { speller: english });
    expect(framesOf(result)).toEqual([
      [1, 3],
      [4, 14],
      [15, 22],
      [23, 27],
    ]);
    expect(timings(result)).toEqual(['aligned', 'aligned', 'interpolated', 'aligned']);
  });

  it('finds prices and percentages as they are said', () => {
    const heard = '_IT|COSTS|THRE_E|DOLLARS|FIFTY|OR|TWENTY|SIX|PERCENT|MORE_';
    const result = align('It costs $3.50, or 26 % more.', heard, { speller: english });
    expect(framesOf(result)).toEqual([
      [1, 3],
      [4, 9],
      [10, 30],
      [31, 33],
      [34, 44],
      [45, 52],
      [53, 57],
    ]);
    expect(timings(result)[2]).toBe('aligned');
  });

  it('shares a stretch out by length where nothing else is known', () => {
    const words = wordsOf('a 26 % b', 100);
    const result = align('', `A ${'X'.repeat(28)} B`, { words });
    expect(framesOf(result)[1]).toEqual([1, 17]);
    expect(framesOf(result)[2]).toEqual([17, 29]);
  });

  it('parts words without signs where the attention parted them', () => {
    const words = wordsOf('a 26 % b').map((word, index) => ({
      ...word,
      startSeconds: [0, 0.06, 0.4025, 0.6][index]!,
      endSeconds: [0.02, 0.2025, 0.5, 0.62][index]!,
    }));
    const result = align('', `A ${'X'.repeat(28)} B`, { words });
    expect(framesOf(result).slice(1, 3)).toEqual([
      [1, 10],
      [20, 29],
    ]);
  });

  it('finds an ordinal by its ending', () => {
    const result = align('the 1st day', '_THE|FIRST|DAY_', { speller: english });
    expect(framesOf(result)[1]).toEqual([5, 10]);
    expect(timings(result)[1]).toBe('aligned');
  });

  it('puts a word that nobody spoke between its neighbours, without overlap', () => {
    const result = align('the 5 cat', 'THE____CAT');
    const [, five] = framesOf(result);
    expect(five![0]).toBeGreaterThanOrEqual(3);
    expect(five![1]).toBeLessThanOrEqual(7);
    expect(timings(result)[1]).toBe('interpolated');
  });

  it('gives an emoji no time of its own', () => {
    const result = align('hi 😀 you', 'HI____YOU');
    const emoji = result.words[1]!;
    expect(emoji.endSeconds).toBe(emoji.startSeconds);
    expect(emoji.timing).toBe('interpolated');
  });

  it('keeps the part of a long stretch that the attention saw', () => {
    const words = wordsOf('a 5 b', 10).map((word, index) => ({
      ...word,
      startSeconds: [0, 2, 9.9][index]!,
      endSeconds: [0.02, 2.5, 10][index]!,
    }));
    const result = align('', `A${'X'.repeat(498)}B`, { words });
    expect(result.words[1]!.startSeconds).toBeCloseTo(2, 5);
    expect(result.words[1]!.endSeconds).toBeCloseTo(2.5, 5);
  });

  it('leaves speech that Whisper did not write out of the words', () => {
    const result = align('the cat', '_THE|SOMETHING|ELSE|CAT_');
    expect(framesOf(result)).toEqual([
      [1, 4],
      [20, 23],
    ]);
  });

  it('does not stretch a word over a pause for a sound of it that is heard elsewhere', () => {
    const result = align('one and', `_ONE_A${'_'.repeat(80)}ND`, { withCharacters: true });
    expect(framesOf(result)[1]).toEqual([86, 88]);
    const starts = result.words[1]!.characters!.map(({ startSeconds }) => startSeconds);
    expect(starts).toEqual([null, frameSeconds(86), frameSeconds(87)]);
  });

  it('gives characters with their times where asked for', () => {
    const [word] = align('Ça!', '_C_A_', { withCharacters: true }).words;
    expect(word!.characters).toEqual([
      {
        text: 'Ç',
        startSeconds: frameSeconds(1),
        endSeconds: frameSeconds(2),
        score: expect.closeTo(0.98),
      },
      {
        text: 'a',
        startSeconds: frameSeconds(3),
        endSeconds: frameSeconds(4),
        score: expect.closeTo(0.98),
      },
      { text: '!', startSeconds: null, endSeconds: null, score: null },
    ]);
    expect(align('a', 'A').words[0]).not.toHaveProperty('characters');
  });

  it('aligns unspaced scripts letter by letter', () => {
    const vocabulary = vocabularyOf('日本語です', null);
    const words = Array.from('日本語です。', (text) => ({
      text,
      startSeconds: 0,
      endSeconds: 0,
      score: 1,
      spaceBefore: false,
    }));
    const result = align('', '__日_本語__で_す__', { vocabulary, language: 'ja', words });
    expect(framesOf(result).map(([start]) => start)).toEqual([2, 4, 5, 8, 10, expect.any(Number)]);
    expect(timings(result)).toEqual([...new Array(5).fill('aligned'), 'interpolated']);
  });

  it('keeps the times of attention where the model has no sign at all', () => {
    const words = wordsOf('Привет всем', 0.5);
    const result = align('', '_'.repeat(30), { words });
    expect(result.meanScore).toBeNull();
    expect(result.words[1]!.startSeconds).toBeCloseTo(words[1]!.startSeconds, 5);
  });

  it('answers an empty text with no words', () => {
    expect(align('', '__X__')).toEqual({ words: [], meanScore: null });
  });

  it('fails for words longer than the frames allow', () => {
    const words = wordsOf('supercalifragilistic');
    const plan = planAlignment(words, ENGLISH, { language: 'en' });
    const result = alignChunk(
      words,
      { plan, emissions: emissionsOf('SUPER', plan) },
      { chunkStartSeconds: 0, chunkEndSeconds: 0.1, withCharacters: false },
    );
    expect(result).toEqual({
      ok: false,
      error: { reason: 'too-few-frames', frames: 5, neededFrames: 20 },
    });
  });

  it('aligns 300 words', () => {
    const text = Array.from({ length: 300 }, (_, index) => ['alpha', 'bee', 'see'][index % 3]).join(
      ' ',
    );
    const heard = text.toUpperCase().replaceAll('EE', 'E_E').split(' ').join('|');
    const result = align(text, heard);
    expect(result.meanScore).toBeCloseTo(0.98, 4);
    expect(framesOf(result)[299]![1]).toBe(heard.length);
  });

  it('keeps words in order and within the chunk, whatever is heard and written', () => {
    const text = fc
      .array(
        fc.oneof(
          fc.string({ unit: fc.constantFrom(...'abcé5%!-😀日') }),
          fc.string({ unit: 'grapheme', maxLength: 4 }),
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(' '));
    const heard = fc.array(fc.constantFrom(...'__ABCE|XTWO'), { minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(text, heard, fc.boolean(), (written, signs, isSpelled) => {
        const words = wordsOf(written, signs.length * 0.02);
        const plan = planAlignment(words, ENGLISH, {
          language: 'en',
          speller: isSpelled ? english : null,
        });
        const emissions = emissionsOf(signs.join(''), plan);
        const end = signs.length * 0.02;
        const result = alignChunk(
          words,
          { plan, emissions },
          { chunkStartSeconds: 3, chunkEndSeconds: 3 + end, withCharacters: true },
        );
        if (!result.ok) return;
        let earliest = 3;
        result.value.words.forEach((word, index) => {
          expect(word.text).toBe(words[index]!.text);
          expect(word.characters!.map((character) => character.text).join('')).toBe(word.text);
          expect(word.startSeconds).toBeGreaterThanOrEqual(earliest);
          expect(word.endSeconds).toBeGreaterThanOrEqual(word.startSeconds);
          expect(word.alignmentScore ?? 0).toBeLessThanOrEqual(1);
          earliest = word.endSeconds;
        });
        expect(earliest).toBeLessThanOrEqual(3 + end);
      }),
      { numRuns: 300 },
    );
  });
});
