import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { linearParameterCount, memoryBytes, parameterCount } from '#models/model-size.ts';
import { WHISPER_MODELS } from '#models/registry/whisper.ts';
import { openSafetensors } from '#models/safetensors.ts';
import { elementCount } from '#models/safetensors-header.ts';
import { whisperTensors } from '#test/support/whisper-weights.ts';

const base = WHISPER_MODELS.find(({ name }) => name === 'base')!;
const shared = join(import.meta.dirname, '../../../../shared/models/whisper-base');

describe('parameterCount', () => {
  it.each(WHISPER_MODELS)('is the sum over all tensors of $name', ({ dimensions }) => {
    const tensors = whisperTensors(dimensions);
    const sum = tensors.reduce((total, { shape }) => total + elementCount(shape), 0);
    expect(parameterCount(dimensions)).toBe(sum);
  });

  it.skipIf(!existsSync(shared))('follows the names and shapes of the published base', () => {
    const store = openSafetensors(shared);
    const found = [...store.tensors.values()].map(({ name, shape, dtype }) => ({
      name,
      dtype,
      shape,
    }));
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(found.sort(byName)).toEqual(whisperTensors(base.dimensions).sort(byName));
    store.close();
  });
});

describe('linearParameterCount', () => {
  it('counts every matrix but convolutions and positions', () => {
    const isLinear = (name: string) => /(_proj|fc\d|embed_tokens)\.weight$/.test(name);
    const sum = whisperTensors(base.dimensions)
      .filter(({ name }) => isLinear(name))
      .reduce((total, { shape }) => total + elementCount(shape), 0);
    expect(linearParameterCount(base.dimensions)).toBe(sum);
  });
});

describe('memoryBytes', () => {
  it('grows with the batch by the same amount for each chunk', () => {
    const at = (batchSize: number) =>
      memoryBytes(base.dimensions, 'cuda-f16', { batchSize, beamWidth: 5 });
    expect(at(3) - at(2)).toBe(at(2) - at(1));
    expect(at(2)).toBeGreaterThan(at(1));
  });
});
