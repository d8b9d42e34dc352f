import { describe, expect, it } from 'vitest';

import { parameterCount } from '#models/model-size.ts';
import { WHISPER_MODELS } from '#models/registry/whisper.ts';
import { findModel, MODELS, namesOf, sizesOf } from '#models/registry.ts';
import { MODEL_TARGETS } from '#models/target.ts';

describe('WHISPER_MODELS', () => {
  it('has every size of Whisper and the distilled ones', () => {
    const sizes = ['tiny', 'base', 'small', 'medium'].flatMap((size) => [size, `${size}.en`]);
    const large = ['large-v1', 'large-v2', 'large-v3', 'large-v3-turbo'];
    const distilled = ['small.en', 'medium.en', 'large-v2', 'large-v3', 'large-v3.5'];
    expect(WHISPER_MODELS.map(({ name }) => name)).toEqual([
      ...sizes,
      ...large,
      ...distilled.map((name) => `distil-${name}`),
    ]);
  });

  it('gives no name to two models', () => {
    const names = MODELS.flatMap(namesOf);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(WHISPER_MODELS.filter(({ weights }) => weights.bytes !== undefined))(
    'has dimensions for $name that explain the bytes published',
    ({ dimensions, weights }) => {
      const values = parameterCount(dimensions) * (weights.dtype === 'F16' ? 2 : 4);
      const headerBytes = (weights.bytes ?? 0) - values;
      expect(headerBytes).toBeGreaterThan(0);
      expect(headerBytes).toBeLessThan(200_000);
    },
  );

  it('pins a commit, or says that it does not', () => {
    for (const { revision, isPinned } of MODELS) {
      if (isPinned) expect(revision).toMatch(/^[0-9a-f]{40}$/);
      else expect(revision).toBe('main');
    }
  });

  it('has whole SHA-256 sums, no two alike', () => {
    const sums = MODELS.flatMap(({ weights }) => weights.sha256 ?? []);
    for (const sum of sums) expect(sum).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(sums).size).toBe(sums.length);
    expect(sums).toHaveLength(15);
  });

  it('calls a model English where its name or its family says so', () => {
    for (const { name, languages } of WHISPER_MODELS) {
      const isEnglish = name.endsWith('.en') || name.startsWith('distil-');
      expect(languages).toBe(isEnglish ? 'en' : 'multilingual');
    }
  });
});

describe('findModel', () => {
  it.each([
    ['large', 'large-v3'],
    ['turbo', 'large-v3-turbo'],
    ['openai/whisper-large', 'large-v1'],
    ['openai/whisper-base.en', 'base.en'],
    ['distil-whisper/distil-large-v3.5', 'distil-large-v3.5'],
    [' Large-V3 ', 'large-v3'],
  ])('takes %j for %s', (asked, name) => {
    expect(findModel(asked).name).toBe(name);
  });

  it('lists the known names for an unknown one', () => {
    expect(() => findModel('huge')).toThrow(/no model "huge"\. Known models: tiny, .*large-v3/);
    expect(() => findModel('huge')).toThrow(expect.objectContaining({ code: 'unknown-model' }));
  });
});

describe('sizesOf', () => {
  it('counts the weights of base as its published file does', () => {
    expect(sizesOf(findModel('base')).parameters).toBe(72_593_920);
  });

  it('takes 8 bits a weight for the processor and 16 with CUDA', () => {
    const { parameters, diskBytes } = sizesOf(findModel('large-v3'));
    expect(diskBytes['cuda-f16']).toBe(2 * parameters);
    expect(diskBytes['cpu-f32']).toBe(4 * parameters);
    expect(diskBytes.cpu / parameters).toBeGreaterThan(1);
    expect(diskBytes.cpu / parameters).toBeLessThan(1.1);
  });

  it('needs more memory than the weights, for every model and target', () => {
    for (const entry of MODELS) {
      const { diskBytes, memoryBytes } = sizesOf(entry);
      for (const target of MODEL_TARGETS) {
        expect(memoryBytes[target]).toBeGreaterThan(diskBytes[target]);
      }
    }
  });
});
