import { describe, expect, it } from 'vitest';
import type { CheckedText } from '#origin/pipeline/drop-invented.ts';
import { recoverSpeech } from '#origin/pipeline/recover-speech.ts';
import {
  chunkWithSpeech,
  type HeardLike,
  heardLike,
  hearing,
} from '#test/support/heard-stretch.ts';

function checked(like: HeardLike): CheckedText {
  const { text, words } = heardLike(like);
  const nothing = { recovered: [], missing: [], warnings: [] };
  return { text, words, isWithoutTimes: false, isHopeless: false, ...nothing };
}

describe('recoverSpeech', () => {
  it('decodes nothing again where every stretch of speech has words', async () => {
    const { calls, hear } = hearing(() => ({ text: 'never' }));
    const first = checked({ text: 'a few words' });
    expect(await recoverSpeech(first, chunkWithSpeech([[0, 1.2]]), hear)).toBe(first);
    expect(calls).toEqual([]);
  });

  it('decodes a skipped stretch alone and puts its words in their place', async () => {
    const { calls, hear } = hearing(() => ({ text: 'that was skipped', atSeconds: 5.5 }));
    const chunk = chunkWithSpeech([
      [0, 1.2],
      [5.5, 7],
    ]);
    const result = await recoverSpeech(checked({ text: 'a few words' }), chunk, hear);
    expect(result.text).toBe('a few words that was skipped');
    expect(result.recovered).toEqual([{ startSeconds: 5.5, endSeconds: 7 }]);
    expect(result.missing).toEqual([]);
    expect(calls).toMatchObject([{ startSeconds: 5.2, endSeconds: 7 }]);
  });

  it.each([
    { what: 'nothing', found: { text: '' } },
    { what: 'an unlikely text', found: { text: 'an unlikely text', avgLogProb: -0.9 } },
    { what: 'a known phrase without speech', found: { text: 'Thank you.', noSpeechProb: 0.5 } },
    { what: 'only the words around it', found: { text: 'a few words', atSeconds: 0.1 } },
  ])('calls the stretch missing where the second attempt finds $what', async ({ found }) => {
    const { hear } = hearing(() => ({ atSeconds: 5.5, avgLogProb: -0.6, ...found }));
    const chunk = chunkWithSpeech([
      [0, 1.2],
      [5.5, 7],
    ]);
    const result = await recoverSpeech(checked({ text: 'a few words' }), chunk, hear);
    expect(result.text).toBe('a few words');
    expect(result.missing).toEqual([{ startSeconds: 5.5, endSeconds: 7 }]);
    expect(result.recovered).toEqual([]);
  });

  it('does not call silence missing that voice activity took for speech', async () => {
    const { hear } = hearing(() => ({ text: '', dropped: 'inaudible' }));
    const chunk = chunkWithSpeech([[0, 3]]);
    const result = await recoverSpeech(checked({ text: 'a few words' }), chunk, hear);
    expect(result).toMatchObject({ text: 'a few words', recovered: [], missing: [] });
  });

  it('decodes the four longest stretches again at most, and says what it left', async () => {
    const speech = Array.from({ length: 7 }, (_, i) => [4 * i, 4 * i + 1 + i / 10] as const);
    const { calls, hear } = hearing(() => ({ text: '' }));
    const result = await recoverSpeech(checked({ text: '' }), chunkWithSpeech(speech), hear);
    expect(calls).toHaveLength(4);
    expect(result.missing).toHaveLength(7);
    expect(result.warnings).toEqual([expect.stringContaining('was not decoded again')]);
  });

  it('leaves a chunk alone whose text was given up, and tells that its speech has no words', async () => {
    const { calls, hear } = hearing(() => ({ text: 'never' }));
    const given = { ...checked({ text: '' }), isHopeless: true };
    const result = await recoverSpeech(given, chunkWithSpeech([[0, 5]]), hear);
    expect(calls).toEqual([]);
    expect(result.missing).toEqual([{ startSeconds: 0, endSeconds: 5 }]);
  });
});
