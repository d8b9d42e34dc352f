import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWhisperConfig } from '#models/architectures/whisper-config.ts';
import { buildModel } from '#models/build.ts';
import type { WhisperDimensions } from '#models/model-size.ts';
import { openSafetensors } from '#models/safetensors.ts';
import { MODEL_TARGETS, type ModelTarget } from '#models/target.ts';
import { openWhisperGraphs } from '#origin/engine/graphs/whisper-graphs.ts';
import { writeModelOfSize } from '#test/support/model-of-size.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { configOf, SMALLEST } from '#test/support/whisper-weights.ts';

const tempDir = useTempDirs();

/** What distinguishes the published families, at two attention heads. */
const FAMILIES: readonly (readonly [string, WhisperDimensions])[] = [
  ['tiny … large-v2', { ...SMALLEST, dModel: 128 }],
  ['English-only', { ...SMALLEST, dModel: 128, vocabSize: 51_864 }],
  ['large-v3: 128 mel bins, 100 languages', { ...SMALLEST, melBins: 128, vocabSize: 51_866 }],
  [
    'large-v3-turbo and distil: fewer decoder than encoder layers',
    {
      ...SMALLEST,
      dModel: 128,
      melBins: 128,
      vocabSize: 51_866,
      encoderLayers: 3,
      decoderLayers: 1,
    },
  ],
];
const CASES = FAMILIES.flatMap(([family, dims]) =>
  MODEL_TARGETS.map((target) => ({ family, dims, target })),
);

async function build(dims: WhisperDimensions, target: ModelTarget) {
  const [sourceDir, outDir] = [tempDir(), tempDir()];
  writeModelOfSize(sourceDir, dims, { dtype: 'F16', weights: 'random' });
  const { files } = await buildModel({ sourceDir, outDir, target });
  return { sourceDir, outDir, files };
}

describe('buildModel', () => {
  it.each(CASES)('builds what runs: $family, $target', async ({ dims, target }) => {
    const { outDir } = await build(dims, target);
    const { vocabularySize, languages, endToken } = readWhisperConfig(outDir);
    const options = { intraOpNumThreads: 2, logSeverityLevel: 3 } as const;
    const graphs = await openWhisperGraphs(outDir, options, vocabularySize);
    try {
      const features = await graphs.encode([new Float32Array(16_000), new Float32Array(32_000)]);
      expect(features[0]).toMatchObject({ frames: 1500, width: dims.dModel });
      const start = endToken + 1;
      const chunks = await graphs.decode({
        features,
        prompts: [
          [start, start + 1],
          [start, start + 1],
        ],
        sotIndex: 0,
        search: {
          beamWidth: 2,
          maxNewTokens: 3,
          lengthPenalty: 1,
          temperature: 0,
          seed: 0,
          suppressTokens: [endToken],
          suppressAtBegin: [],
          align: true,
        },
      });
      for (const { tokenIds, alignment, avgLogProb } of chunks) {
        expect(tokenIds).toHaveLength(3);
        expect(alignment).toMatchObject({ rows: 4, frames: 1500 });
        expect(avgLogProb).toBeLessThan(0);
      }
      if (languages.length > 0) {
        const probabilities = await graphs.languageProbabilities(features, start);
        expect(probabilities).toHaveLength(2 * languages.length);
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(2, 3);
      }
    } finally {
      await graphs.release();
    }
  });

  it('leaves float16 weights in the published file, beside the graphs, when built for CUDA', async () => {
    const { sourceDir, outDir, files } = await build(SMALLEST, 'cuda-f16');
    const published = join(outDir, 'model.safetensors');
    expect(files).toContain('model.safetensors');
    // The same file on disk, not a copy.
    expect(statSync(published).ino).toBe(statSync(join(sourceDir, 'model.safetensors')).ino);
    const store = openSafetensors(sourceDir);
    const norms = [...store.tensors.values()].filter(({ name }) => name.includes('layer_norm'));
    store.close();
    // Only layer norms are converted, to float32: a page each.
    expect(statSync(join(outDir, 'weights.data')).size).toBeLessThanOrEqual(norms.length * 4096);
  });

  it('copies no published file for a target that converts all of it', async () => {
    const { outDir, files } = await build(SMALLEST, 'cpu');
    expect(files).not.toContain('model.safetensors');
    expect(existsSync(join(outDir, 'model.safetensors'))).toBe(false);
  });

  it('says its progress: upwards to 1, by the weights converted', async () => {
    const [sourceDir, outDir] = [tempDir(), tempDir()];
    writeModelOfSize(sourceDir, SMALLEST, { dtype: 'F16', weights: 'zeros' });
    const said: { message: string; fraction: number }[] = [];
    await buildModel({
      sourceDir,
      outDir,
      target: 'cpu',
      onProgress: (message, fraction) => said.push({ message, fraction }),
    });
    const fractions = said.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(said.at(0)).toEqual({ message: 'encoder', fraction: 0 });
    expect(said.at(-1)).toEqual({ message: 'done', fraction: 1 });
    expect(new Set(fractions).size).toBeGreaterThan(20);
  });

  it('refuses weights that lack a tensor, naming it and the closest ones', async () => {
    const [sourceDir, outDir] = [tempDir(), tempDir()];
    writeModelOfSize(sourceDir, SMALLEST, { dtype: 'F16', weights: 'zeros' });
    const deeper = configOf({ ...SMALLEST, decoderLayers: 3 });
    writeFileSync(join(sourceDir, 'config.json'), JSON.stringify(deeper));
    await expect(buildModel({ sourceDir, outDir, target: 'cpu' })).rejects.toThrow(
      /no weight is called "model\.decoder\.layers\.2\..*close names: model\.decoder/,
    );
  });
});
