import { describe, expect, it } from 'vitest';
import { dropInvented, isPlainlyInvented } from '#origin/pipeline/drop-invented.ts';
import { chunkWithSpeech, heardLike, hearing } from '#test/support/heard-stretch.ts';

const INVENTED = { text: 'Thanks for watching!', avgLogProb: -1.4, noSpeechProb: 0.55 };
const chunk = chunkWithSpeech([
  [0, 4],
  [6, 10],
]);

describe('dropInvented', () => {
  it('keeps a clear text and decodes nothing again', async () => {
    const { calls, hear } = hearing(() => ({ text: 'never' }));
    const heard = heardLike({ text: 'Thanks for watching!' });
    const result = await dropInvented(heard, chunk, hear);
    expect(result).toMatchObject({ text: 'Thanks for watching!', warnings: [] });
    expect(calls).toEqual([]);
  });

  it('decodes an invented text again in halves, then leaves it out and says so', async () => {
    const { calls, hear } = hearing(() => INVENTED);
    const result = await dropInvented(heardLike(INVENTED), chunk, hear);
    expect(calls.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds])).toEqual([
      [0, 5],
      [5, 10],
    ]);
    expect(result).toMatchObject({ text: '', words: [], isHopeless: true });
    expect(result.warnings).toEqual([
      'Text "Thanks for watching!" at 0.0-10.0 s was left out: the model is known to invent it where nobody speaks.',
    ]);
  });

  it('keeps the half in which real speech comes out', async () => {
    const speech = { text: 'the captain needs help', atSeconds: 6 };
    const { hear } = hearing(({ startSample }) => (startSample > 0 ? speech : INVENTED));
    const result = await dropInvented(heardLike(INVENTED), chunk, hear);
    expect(result).toMatchObject({ text: 'the captain needs help', isHopeless: false });
    expect(result.warnings).toHaveLength(1);
  });

  it('keeps the text of a half whose words have no times', async () => {
    const untimed = { ...heardLike({ text: 'the captain needs help' }), words: null };
    const hear = async () => untimed;
    const result = await dropInvented(heardLike(INVENTED), chunkWithSpeech([[0, 3]]), hear);
    expect(result).toMatchObject({ text: 'the captain needs help', words: null });
    expect(result.isWithoutTimes).toBe(true);
  });

  it('leaves out a known phrase behind the speech and keeps the rest', async () => {
    const { hear } = hearing(() => ({ text: '' }));
    const heard = heardLike({ text: 'We are done. Thank you.', wordSeconds: 0.5 });
    const late = { ...heard, words: (heard.words ?? []).map((w, i) => (i < 3 ? w : moved(w, 4))) };
    const result = await dropInvented(late, chunkWithSpeech([[0, 1.5]]), hear);
    expect(result.text).toBe('We are done.');
    expect(result.warnings).toEqual([
      'Text "Thank you." at 5.5-6.5 s was left out: the model is known to invent it where nobody speaks.',
    ]);
  });

  it('says which text a silence and a loop lost', async () => {
    const { hear } = hearing(() => ({ text: '' }));
    const silent = heardLike({ text: '', removedText: ' You', dropped: 'silence' });
    expect((await dropInvented(silent, chunk, hear)).warnings).toEqual([
      'Text "You" at 0.0-10.0 s was left out: there seems to be no speech.',
    ]);
    const loop = heardLike({ text: 'so it goes', removedText: ' so it goes so it goes' });
    expect((await dropInvented(loop, chunk, hear)).warnings).toEqual([
      'Text "so it goes so it goes" at 0.0-10.0 s was left out: it repeats itself.',
    ]);
  });
});

describe('isPlainlyInvented', () => {
  it('saves the other temperatures where the likeliest text is a few signs over long sound', () => {
    const organ = { text: '1-2-3', avgLogProb: -1.6, noSpeechProb: 0.3 };
    expect(isPlainlyInvented(chunk)(organ)).toBe(true);
  });
  it('lets a loop have its other temperatures', () => {
    const loop = { text: 'so it goes '.repeat(20), avgLogProb: -0.2, noSpeechProb: 0.01 };
    expect(isPlainlyInvented(chunk)(loop)).toBe(false);
  });
});

function moved<W extends { startSeconds: number; endSeconds: number }>(word: W, by: number): W {
  return { ...word, startSeconds: word.startSeconds + by, endSeconds: word.endSeconds + by };
}
