import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { readWav2Vec2Config } from '#models/architectures/wav2vec2-config.ts';
import { buildModel } from '#models/build.ts';
import { MODEL_TARGETS, type ModelTarget } from '#models/target.ts';
import { openCtcGraph } from '#origin/engine/graphs/ctc-graph.ts';
import {
  type CtcShape,
  TINY_CTC,
  TINY_CTC_LARGE,
  writeTinyCtcModel,
} from '#test/support/ctc-weights.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

const LAYOUTS: readonly (readonly [string, CtcShape])[] = [
  ['base', TINY_CTC],
  ['XLSR', TINY_CTC_LARGE],
  ['MMS, with adapters', { ...TINY_CTC_LARGE, adapterWidth: 16, weightNorm: 'parametrizations' }],
];
const CASES = LAYOUTS.flatMap(([layout, shape]) =>
  MODEL_TARGETS.map((target) => ({ layout, shape, target })),
);

async function open(shape: CtcShape, target: ModelTarget, provider: 'cpu' | 'cuda' = 'cpu') {
  const [sourceDir, folder] = [tempDir(), tempDir()];
  writeTinyCtcModel(sourceDir, { shape });
  const { files } = await buildModel({ sourceDir, outDir: folder, target });
  const session = { intraOpNumThreads: 2, logSeverityLevel: 3 } as const;
  return { folder, files, graph: await openCtcGraph({ folder, provider, session }) };
}

/** Not loud, not still, and never the same twice. */
function waveform(samples: number, pitch: number): Float32Array {
  return Float32Array.from(
    { length: samples },
    (_, i) => 0.1 * Math.sin(i / pitch + Math.sin(i / 900)) + 0.02,
  );
}

describe('buildModel', () => {
  it.each(CASES)('builds an aligner that runs: $layout, $target', async ({ shape, target }) => {
    const { graph, files, folder } = await open(shape, target);
    try {
      expect(files).toEqual(
        expect.arrayContaining(['emissions.onnx', 'config.json', 'vocab.json']),
      );
      const items = [9, 14].map((pitch) => ({
        waveform: waveform(20_000, pitch),
        columns: [0, 5, 6],
      }));
      for (const { logProbs, frames } of await graph.emissions(items)) {
        expect([frames, logProbs.length]).toEqual([62, 62 * 4]);
        for (const value of logProbs) expect(value).toBeLessThanOrEqual(0);
      }
      expect(readWav2Vec2Config(folder).layers).toBe(2);
    } finally {
      await graph.release();
    }
  });

  it('builds the same from both spellings of the weight norm', async () => {
    const item = { waveform: waveform(9_000, 11), columns: [1, 2, 3] };
    const both = await Promise.all(
      (['weight_g', 'parametrizations'] as const).map(async (weightNorm) => {
        const { graph } = await open({ ...TINY_CTC, weightNorm }, 'cpu-f32');
        const [emissions] = await graph.emissions([item]);
        await graph.release();
        return emissions?.logProbs;
      }),
    );
    expect(both[0]).toEqual(both[1]);
  });

  it('names a model_type that it cannot build', async () => {
    const sourceDir = tempDir();
    writeTinyCtcModel(sourceDir);
    writeFileSync(join(sourceDir, 'config.json'), '{"model_type": "wavlm"}');
    const built = buildModel({ sourceDir, outDir: tempDir(), target: 'cpu' });
    await expect(built).rejects.toThrow(
      /model_type "wavlm" cannot be built; known: whisper, wav2vec2/,
    );
  });
});

describe('openCtcGraph', () => {
  it.each([
    ['base', TINY_CTC],
    ['XLSR', TINY_CTC_LARGE],
  ])('gives an item of a batch what it gives it alone: %s', async (_, shape) => {
    // With `cuda` items share a run; the session itself is on the CPU.
    const { graph } = await open(shape, 'cpu-f32', 'cuda');
    const items = [
      { waveform: waveform(40_123, 8), columns: [4, 5, 6, 7] },
      { waveform: waveform(16_001, 13), columns: [9] },
      { waveform: waveform(33_000, 5), columns: [] },
      { waveform: waveform(500, 21), columns: [1, 2] },
    ];
    const together = await graph.emissions(items);
    for (const [i, item] of items.entries()) {
      const [alone] = await graph.emissions([item]);
      expect(together[i]?.frames).toBe(alone?.frames);
      expect(together[i]?.logProbs.length).toBe((alone?.frames ?? 0) * (item.columns.length + 1));
      alone?.logProbs.forEach((value, at) => {
        expect(Math.abs((together[i]?.logProbs[at] ?? 0) - value)).toBeLessThan(1e-4);
      });
    }
    await graph.release();
  });

  it('gives the largest log-probability of all tokens but the blank as the wildcard', async () => {
    const { graph } = await open(TINY_CTC, 'cpu-f32');
    const spoken = Array.from({ length: 32 }, (_, id) => id).slice(1);
    const [emissions] = await graph.emissions([
      { waveform: waveform(8_000, 9), columns: [0, ...spoken] },
    ]);
    const { logProbs, frames } = emissions!;
    const width = spoken.length + 2;
    for (let frame = 0; frame < frames; frame++) {
      const row = [...logProbs.subarray(frame * width, (frame + 1) * width)];
      expect(row.at(-1)).toBe(Math.max(...row.slice(1, -1)));
      expect(row.slice(0, -1).reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 4);
    }
    await graph.release();
  });

  it('does not hear how loud a waveform is, nor its offset', async () => {
    const { graph } = await open(TINY_CTC, 'cpu-f32');
    const quiet = waveform(12_000, 9);
    const loud = quiet.map((sample) => 5 * sample + 0.3);
    const [a, b] = await graph.emissions(
      [quiet, loud].map((samples) => ({ waveform: samples, columns: [3] })),
    );
    a?.logProbs.forEach((value, at) => {
      expect(b?.logProbs[at]).toBeCloseTo(value, 2);
    });
    await graph.release();
  });

  it.each([0, 1, 399])('gives one frame for %i samples', async (samples) => {
    const { graph } = await open(TINY_CTC, 'cpu-f32');
    const [emissions] = await graph.emissions([{ waveform: waveform(samples, 9), columns: [1] }]);
    expect(emissions?.frames).toBe(1);
    expect(emissions?.logProbs.every(Number.isFinite)).toBe(true);
    await graph.release();
  });

  it('stays finite on silence and on sound far too loud', async () => {
    const { graph } = await open(TINY_CTC_LARGE, 'cpu-f32');
    const items = [new Float32Array(5_000), waveform(5_000, 9).map((sample) => 1e6 * sample)];
    const found = await graph.emissions(
      items.map((samples) => ({ waveform: samples, columns: [1, 2] })),
    );
    for (const { logProbs } of found) expect(logProbs.every(Number.isFinite)).toBe(true);
    await graph.release();
  });

  it('gives nothing for nothing', async () => {
    const { graph } = await open(TINY_CTC, 'cpu-f32');
    expect(await graph.emissions([])).toEqual([]);
    await graph.release();
  });

  it.each([32, -1, 0.5, Number.NaN])('refuses column %d of 32 tokens', async (column) => {
    const { graph } = await open(TINY_CTC, 'cpu-f32');
    const emissions = graph.emissions([{ waveform: waveform(800, 9), columns: [column] }]);
    await expect(emissions).rejects.toThrow(/is not among the 32 tokens/);
    await graph.release();
  });

  it('refuses an item of more than 30 s', async () => {
    const { graph } = await open(TINY_CTC, 'cpu-f32');
    const emissions = graph.emissions([{ waveform: new Float32Array(480_001), columns: [1] }]);
    await expect(emissions).rejects.toThrow(/480001 samples, at most 480000 fit/);
    await graph.release();
  });

  it('names what is missing in its folder', async () => {
    const { graph, folder } = await open(TINY_CTC, 'cpu-f32');
    await graph.release();
    rmSync(join(folder, 'config.json'));
    const opened = openCtcGraph({ folder, provider: 'cpu', session: {} });
    await expect(opened).rejects.toThrow(/config\.json/);
  });
});
