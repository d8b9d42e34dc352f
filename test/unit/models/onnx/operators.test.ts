import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWhisperConfig } from '#models/architectures/whisper-config.ts';
import { buildWhisperDecoder } from '#models/architectures/whisper-decoder.ts';
import { buildWhisperEncoder } from '#models/architectures/whisper-encoder.ts';
import { buildWhisperLanguageDetector } from '#models/architectures/whisper-language.ts';
import { DataFile } from '#models/onnx/data-file.ts';
import { ModelBuilder } from '#models/onnx/model-builder.ts';
import { missingCudaKernels, OPERATORS } from '#models/onnx/operators.ts';
import { openSafetensors } from '#models/safetensors.ts';
import { type ModelTarget, precisionOf } from '#models/target.ts';
import { writeModelOfSize } from '#test/support/model-of-size.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { SMALLEST } from '#test/support/whisper-weights.ts';

const tempDir = useTempDirs();

type Kernels = ReturnType<ModelBuilder['usedKernels']>;

/** What the graphs of a small Whisper compute with, for a target. */
function kernelsOf(target: ModelTarget): Record<'encoder' | 'decoder' | 'language', Kernels> {
  const dir = tempDir();
  writeModelOfSize(dir, SMALLEST, { dtype: 'F16', weights: 'zeros' });
  const weights = openSafetensors(dir);
  const data = new DataFile(join(dir, 'weights.data'));
  const config = readWhisperConfig(dir);
  const of = (build: typeof buildWhisperDecoder) => {
    const model = new ModelBuilder('whisper', weights, data);
    build(model, config, precisionOf(target));
    return model.usedKernels();
  };
  try {
    return {
      encoder: of(buildWhisperEncoder),
      decoder: of(buildWhisperDecoder),
      language: of(buildWhisperLanguageDetector),
    };
  } finally {
    data.close();
    weights.close();
  }
}

describe('missingCudaKernels', () => {
  it('finds none missing in the graphs for CUDA', () => {
    const missing = Object.values(kernelsOf('cuda-f16')).map(missingCudaKernels);
    expect(missing).toEqual([[], [], []]);
  });

  it('sees through loops and branches: the search runs in float16 inside them', () => {
    const { decoder } = kernelsOf('cuda-f16');
    expect([...decoder.keys()]).toEqual(expect.arrayContaining(['TopK', 'CumSum', 'LogSoftmax']));
    expect(decoder.get('FusedMatMul')).toContain('float16');
  });

  it('names what the graphs for the CPU use without a CUDA kernel', () => {
    const { encoder } = kernelsOf('cpu');
    expect(missingCudaKernels(encoder)).toContain('DynamicQuantizeMatMul (float32)');
  });

  it('tells types apart: MatMulInteger takes int8 on CUDA, not uint8', () => {
    const used = (type: 'int8' | 'uint8') => new Map([['MatMulInteger', new Set([type] as const)]]);
    expect(missingCudaKernels(used('int8'))).toEqual([]);
    expect(missingCudaKernels(used('uint8'))).toEqual(['MatMulInteger (uint8)']);
  });

  it('counts an operator that nobody listed as missing', () => {
    expect(missingCudaKernels(new Map([['Einsum', new Set(['float32'] as const)]]))).toEqual([
      'Einsum (float32)',
    ]);
  });
});

describe('OPERATORS', () => {
  it('says which float operators CUDA can run in float32 but not in float16', () => {
    const float32Only = Object.entries(OPERATORS)
      .filter(
        ([, { cudaTypes }]) => cudaTypes.includes('float32') && !cudaTypes.includes('float16'),
      )
      .map(([name]) => name);
    expect(float32Only.sort()).toEqual(['QuantizeLinear', 'Range']);
  });
});
