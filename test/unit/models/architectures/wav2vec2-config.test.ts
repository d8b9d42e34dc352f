import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import {
  frameCountOf,
  frameSamplesOf,
  readWav2Vec2Config,
  receptiveFieldOf,
} from '#models/architectures/wav2vec2-config.ts';
import { ctcConfigOf, TINY_CTC, TINY_CTC_LARGE } from '#test/support/ctc-weights.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

function read(config: object, preprocessor?: object) {
  const dir = tempDir();
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
  if (preprocessor)
    writeFileSync(join(dir, 'preprocessor_config.json'), JSON.stringify(preprocessor));
  return readWav2Vec2Config(dir);
}

const BASE = ctcConfigOf({ ...TINY_CTC, vocabSize: 32 });

describe('readWav2Vec2Config', () => {
  it('reads both layouts', () => {
    const base = read(BASE);
    expect(base).toMatchObject({ width: 64, layers: 2, heads: 2, normFirst: false, blankId: 0 });
    expect(base.convolutions.map(({ norm }) => norm)).toEqual(['group', ...Array(6).fill('none')]);
    const large = read(ctcConfigOf({ ...TINY_CTC_LARGE, vocabSize: 32 }));
    expect(large.normFirst).toBe(true);
    expect(new Set(large.convolutions.map(({ norm }) => norm))).toEqual(new Set(['layer']));
  });

  it('fills in what a published model leaves out as transformers does', () => {
    expect(read({ model_type: 'wav2vec2' })).toMatchObject({
      ...{ width: 768, layers: 12, heads: 12, vocabularySize: 32, normalizeWaveform: true },
      ...{ positionKernel: 128, positionGroups: 16 },
    });
  });

  it('normalises the waveform unless preprocessor_config.json says otherwise', () => {
    expect(read(BASE, { do_normalize: false }).normalizeWaveform).toBe(false);
  });

  it.each([
    [{ model_type: 'hubert' }, /model_type/],
    [{ hidden_act: 'relu' }, /hidden_act/],
    [{ layer_norm_eps: 1e-6 }, /layer_norm_eps/],
    [{ add_adapter: true }, /add_adapter/],
    [{ num_attention_heads: 5 }, /5 heads do not divide/],
    [{ pad_token_id: 32 }, /pad_token_id 32 is not among 32/],
    [{ conv_stride: [5] }, /differ in length/],
    [{ num_hidden_layers: 10_000 }, /num_hidden_layers/],
  ])('refuses %j', (change, message) => {
    expect(() => read({ ...BASE, ...change })).toThrow(message);
  });

  it('refuses another sampling rate', () => {
    expect(() => read(BASE, { sampling_rate: 8000 })).toThrow(/sampling_rate/);
  });
});

describe('the frames of a waveform', () => {
  const config = read({ model_type: 'wav2vec2' });

  it('come every 320 samples and see 400', () => {
    expect([frameSamplesOf(config), receptiveFieldOf(config)]).toEqual([320, 400]);
  });

  it.each([
    [399, 0],
    [400, 1],
    [719, 1],
    [720, 2],
    [32_000, 99],
    [480_000, 1499],
  ])('of %i samples are %i', (samples, frames) => {
    expect(frameCountOf(config, samples)).toBe(frames);
  });
});
