import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headSizeOf, readWhisperConfig } from '#models/architectures/whisper-config.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { configOf, GENERATION_CONFIG, SMALLEST } from '#test/support/whisper-weights.ts';

const tempDir = useTempDirs();

function read(config: object, generation: object = GENERATION_CONFIG) {
  const dir = tempDir();
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
  writeFileSync(join(dir, 'generation_config.json'), JSON.stringify(generation));
  return readWhisperConfig(dir);
}

const WIDE = { ...SMALLEST, dModel: 128 };

describe('readWhisperConfig', () => {
  it('reads sizes and tokens, languages ascending by token', () => {
    const config = read(configOf(WIDE), {
      ...GENERATION_CONFIG,
      lang_to_id: { '<|zh|>': 50_260, '<|en|>': 50_259 },
    });
    expect(config).toMatchObject({
      width: 128,
      encoder: { layers: 2, heads: 2 },
      decoder: { layers: 2, heads: 2 },
      melBins: 80,
      vocabularySize: 51_865,
      audioFrames: 1500,
      maxTokens: 448,
      alignmentHeads: [[1, 0]],
      endToken: 50_257,
      noSpeechToken: 50_362,
    });
    expect(config.languages).toEqual([
      { code: 'en', token: 50_259 },
      { code: 'zh', token: 50_260 },
    ]);
    expect(headSizeOf(config)).toBe(64);
  });

  it('has no languages for an English-only model, whose tokens stand one lower', () => {
    const config = read(configOf(WIDE), { eos_token_id: 50_256 });
    expect(config).toMatchObject({ languages: [], endToken: 50_256, noSpeechToken: 50_361 });
  });

  it('finds <|nospeech|> before <|notimestamps|> where a model has more languages', () => {
    const generation = { ...GENERATION_CONFIG, no_timestamps_token_id: 50_364 };
    expect(read(configOf(WIDE), generation).noSpeechToken).toBe(50_363);
  });

  it('takes the first of several end tokens', () => {
    const generation = { ...GENERATION_CONFIG, eos_token_id: [50_257, 1] };
    expect(read(configOf(WIDE), generation).endToken).toBe(50_257);
  });

  it('aligns with all heads of the upper half of the decoder where none are published', () => {
    const { alignment_heads: _, ...generation } = GENERATION_CONFIG;
    expect(read(configOf({ ...WIDE, decoderLayers: 4 }), generation).alignmentHeads).toEqual([
      [2, 0],
      [2, 1],
      [3, 0],
      [3, 1],
    ]);
  });

  it.each([
    ['another kind of model', { model_type: 'wav2vec2' }, /model_type/],
    ['a width of no whole number', { d_model: 512.5 }, /d_model/],
    ['no layers', { decoder_layers: 0 }, /decoder_layers/],
    ['a member that is missing', { num_mel_bins: undefined }, /num_mel_bins/],
  ])('refuses %s, naming the member and the file', (_, change, message) => {
    expect(() => read({ ...configOf(WIDE), ...change })).toThrow(message);
    expect(() => read({ ...configOf(WIDE), ...change })).toThrow(/config\.json/);
  });

  it('refuses alignment heads that are no pairs', () => {
    const generation = { ...GENERATION_CONFIG, alignment_heads: [[1]] };
    expect(() => read(configOf(WIDE), generation)).toThrow(
      /generation_config\.json.*alignment_heads/s,
    );
  });
});
