import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { splitWords } from '#origin/align/split-words.ts';
import { loadWhisperTokenizer } from '#origin/whisper/tokenizer.ts';

const SHARED = join(import.meta.dirname, '../../../shared');
const MODEL = join(SHARED, 'models/whisper-base');
const REFERENCE = join(SHARED, 'reference/whisper-base.json');
const isPresent = existsSync(MODEL) && existsSync(REFERENCE);
if (!isPresent) console.warn('Skipped: ../shared with Whisper base and its reference is absent.');

interface ReferenceClip {
  readonly beam1: { readonly tokens: number[]; readonly text: string };
  readonly beam5: { readonly tokens: number[]; readonly text: string };
  readonly dtw_words: readonly (readonly [string, number, number, number])[];
}

function readReference(): [string, ReferenceClip][] {
  return isPresent ? Object.entries(JSON.parse(readFileSync(REFERENCE, 'utf8'))) : [];
}

describe.skipIf(!isPresent)('Whisper base’s tokenizer', () => {
  it.each(readReference())(
    'decodes the reference tokens to the reference text (%s)',
    async (_, clip) => {
      const { decode } = await loadWhisperTokenizer(MODEL);
      expect(decode(clip.beam1.tokens)).toBe(clip.beam1.text);
      expect(decode(clip.beam5.tokens)).toBe(clip.beam5.text);
    },
  );

  // Tokenizer.from_file('tokenizer.json').encode(text, add_special_tokens=False).ids, Python tokenizers 0.22.2
  it.each([
    [" Grüße aus Köln, don't!", [38908, 11451, 3437, 591, 13072, 77, 11, 500, 380, 0]],
    [' 今日は雨です。', [220, 43791, 35339, 4767, 1543]],
    [' สวัสดีครับ', [220, 13715, 7643, 5981, 13715, 9345, 6033, 21916, 5981, 10196]],
    [
      '  12,5 € — “naïve” 👩\u200d🚀',
      [
        220, 2272, 11, 20, 17450, 3466, 1059, 250, 629, 15487, 303, 913, 251, 36276, 102, 913, 235,
        4222, 248, 222,
      ],
    ],
    [' ComfyUI\nWhisperX', [2432, 22522, 46324, 198, 2471, 271, 610, 55]],
  ])('encodes %j as the Python tokenizer does, and back', async (text, ids) => {
    const { encode, decode } = await loadWhisperTokenizer(MODEL);
    expect(encode(text)).toEqual(ids);
    expect(decode(ids)).toBe(text);
  });

  it('has the ids of the published model', async () => {
    const { special, languageIds, isMultilingual, suppressTokens, maxTokens } =
      await loadWhisperTokenizer(MODEL);
    expect(special).toEqual({
      endOfText: 50257,
      startOfTranscript: 50258,
      translate: 50358,
      transcribe: 50359,
      startOfPrevious: 50361,
      noSpeech: 50362,
      noTimestamps: 50363,
      timestampBegin: 50364,
    });
    expect([isMultilingual, languageIds.size, maxTokens]).toEqual([true, 99, 448]);
    expect([...languageIds].slice(0, 3)).toEqual([
      ['en', 50259],
      ['zh', 50260],
      ['de', 50261],
    ]);
    const { suppress_tokens: listed } = JSON.parse(
      readFileSync(join(MODEL, 'generation_config.json'), 'utf8'),
    );
    expect(suppressTokens).toEqual(expect.arrayContaining(listed));
  });

  // The only clip after whose end the reference invented no words.
  it('gives tokens that are split into the reference’s words (fr.wav)', async () => {
    const { decode } = await loadWhisperTokenizer(MODEL);
    const clip = new Map(readReference()).get('fr.wav');
    expect(splitWords(clip!.beam1.tokens, decode).map(({ text }) => text)).toEqual(
      clip!.dtw_words.map(([word]) => word.trim()),
    );
  });
});
