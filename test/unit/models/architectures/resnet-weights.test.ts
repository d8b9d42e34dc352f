import { describe, expect, it } from 'vitest';
import { foldedConvolution } from '#models/architectures/resnet-weights.ts';
import { weightsOf } from '#test/support/build-graph.ts';

const values = (...numbers: number[]) => Float32Array.from(numbers);

describe('foldedConvolution', () => {
  it('takes the batch norm into kernel and bias', () => {
    const weights = weightsOf({
      'resnet.conv1.weight': { shape: [2, 1, 1, 1], values: values(3, 5) },
      'resnet.bn1.weight': { shape: [2], values: values(2, 1) },
      'resnet.bn1.bias': { shape: [2], values: values(7, 0) },
      'resnet.bn1.running_mean': { shape: [2], values: values(10, 0) },
      'resnet.bn1.running_var': { shape: [2], values: values(4, 1) },
    });
    const { weight, bias, dims } = foldedConvolution(weights, 'conv1');
    expect(dims).toEqual([2, 1, 1, 1]);
    expect(weight[0]).toBeCloseTo(3, 4);
    expect(weight[1]).toBeCloseTo(5, 4);
    expect(bias[0]).toBeCloseTo(7 - 10, 4);
    expect(bias[1]).toBe(0);
  });

  it("puts MLX's inputs before height and width", () => {
    const weights = weightsOf({
      'conv1.weight': { shape: [1, 1, 3, 2], values: values(1, 10, 2, 20, 3, 30) },
      'conv1.bias': { shape: [1], values: values(4) },
    });
    const { weight, dims } = foldedConvolution(weights, 'conv1');
    expect(dims).toEqual([1, 2, 1, 3]);
    expect([...weight]).toEqual([1, 2, 3, 10, 20, 30]);
  });

  it('names the weight that is missing', () => {
    expect(() => foldedConvolution(weightsOf({}), 'layer1.0.conv1')).toThrow(
      'weight "layer1.0.conv1.weight" of a residual network is missing',
    );
  });
});
