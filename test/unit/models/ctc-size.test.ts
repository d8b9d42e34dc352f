import { describe, expect, it } from 'vitest';

import { ctcLinearParameterCount, ctcParameterCount } from '#models/ctc-size.ts';
import { ALIGNER_MODELS } from '#models/registry/aligners.ts';
import { elementCount } from '#models/safetensors-header.ts';
import { ctcTensors, PUBLISHED_CTC } from '#test/support/ctc-weights.ts';

const SHAPES = ALIGNER_MODELS.map(({ name, dimensions }) => {
  const isLarge = dimensions.featureNorm === 'layer';
  return {
    name,
    dimensions,
    shape: { ...dimensions, ...PUBLISHED_CTC, isStable: isLarge, hasConvBias: isLarge },
  };
});

describe('ctcParameterCount', () => {
  it.each(SHAPES)('is the sum over all tensors of $name', ({ dimensions, shape }) => {
    const sum = ctcTensors(shape).reduce((total, tensor) => total + elementCount(tensor.shape), 0);
    expect(ctcParameterCount(dimensions)).toBe(sum);
  });

  it('explains the bytes of the published English model', () => {
    const english = ALIGNER_MODELS.find(({ name }) => name === 'align-en')!;
    const rest = english.weights.bytes! - 4 * ctcParameterCount(english.dimensions);
    // The header, and `masked_spec_embed`.
    expect(rest).toBeGreaterThan(0);
    expect(rest).toBeLessThan(100_000);
  });
});

describe('ctcLinearParameterCount', () => {
  it('counts the matrices of the transformer’s layers', () => {
    const { dimensions, shape } = SHAPES[0]!;
    const sum = ctcTensors(shape)
      .filter(({ name }) => /layers\.\d+\..*(_proj|_dense)\.weight$/.test(name))
      .reduce((total, tensor) => total + elementCount(tensor.shape), 0);
    expect(ctcLinearParameterCount(dimensions)).toBe(sum);
  });
});
