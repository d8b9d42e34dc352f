import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSegmentationGraph } from '#models/architectures/pyannet.ts';
import { BUILDER_VERSION, buildModel } from '#models/build.ts';
import { installModel } from '#models/install.ts';
import { findBuilt } from '#models/store.ts';
import { MODEL_TARGETS } from '#models/target.ts';
import { openSegmentationGraph } from '#origin/engine/graphs/segmentation-graph.ts';
import { openSpeakerGraph } from '#origin/engine/graphs/speaker-graph.ts';
import { buildGraph, weightsOf } from '#test/support/build-graph.ts';
import { fixtureSound, writeSource } from '#test/support/speaker-fixtures.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

/** As it lies after a download. */
function sourceOf(fixture: 'wespeaker' | 'segmentation'): string {
  const dir = tempDir();
  writeSource(dir, fixture);
  return dir;
}

describe('buildModel', () => {
  it.each(MODEL_TARGETS)('builds a speaker encoder that runs: %s', async (target) => {
    const dir = tempDir();
    const { files } = await buildModel({ sourceDir: sourceOf('wespeaker'), outDir: dir, target });
    expect(files).toEqual(['weights.data', 'speaker.onnx', 'config.json']);
    const graph = await openSpeakerGraph({ dir, threads: 1 });
    const [embedding = new Float32Array()] = await graph.embed([fixtureSound(30_000)]);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    await graph.release();
  });

  it.each(MODEL_TARGETS)('builds a segmentation model that runs: %s', async (target) => {
    const dir = tempDir();
    const sourceDir = sourceOf('segmentation');
    const { files } = await buildModel({ sourceDir, outDir: dir, target });
    expect(files).toEqual(['weights.data', 'segmentation.onnx', 'config.json']);
    const graph = await openSegmentationGraph(join(dir, 'segmentation.onnx'), {});
    const { activations, frames, speakers } = await graph.segment([fixtureSound(50_000)]);
    expect([frames, speakers]).toEqual([589, 3]);
    expect(activations).toHaveLength(589 * 3);
    for (const value of activations) expect(value >= 0 && value <= 1.00001).toBe(true);
    await graph.release();
  });
});

describe('installModel', () => {
  it('puts a speaker encoder into the store, with no languages', async () => {
    const store = { modelsDir: tempDir(), embeddedDir: tempDir() };
    const sourceDir = sourceOf('wespeaker');
    const builder = { version: BUILDER_VERSION, build: buildModel };
    await installModel({ store, name: 'wespeaker', target: 'cpu', sourceDir, builder });
    const built = findBuilt(store, 'wespeaker', 'cpu');
    expect(built?.manifest).toMatchObject({
      architecture: 'wespeaker-resnet34-lm',
      languages: [],
    });
  });
});

describe('buildSegmentationGraph', () => {
  it('refuses a classifier that it does not know', () => {
    const bias = { shape: [5], values: new Float32Array(5) };
    const weights = weightsOf({ 'classifier.bias': bias });
    const fill = buildSegmentationGraph;
    expect(() => buildGraph(weights, { dir: tempDir(), name: 'segmentation', fill })).toThrow(
      'PyanNet has 3 or 7 classes, not 5',
    );
  });
});
