import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildResnetGraph } from '#models/architectures/resnet.ts';
import { foldedConvolution } from '#models/architectures/resnet-weights.ts';
import type { WeightSource } from '#models/onnx/model-builder.ts';
import { openSpeakerGraph } from '#origin/engine/graphs/speaker-graph.ts';
import { buildGraph, loadGraph, runOn, weightsOf } from '#test/support/build-graph.ts';
import {
  cosine,
  fixtureSound,
  largestDifference,
  openFixture,
} from '#test/support/speaker-fixtures.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

/** The sound of the golden values: 0.45 s. */
const SAMPLES = 7_200;

function expected(name: string): Float32Array {
  const store = openFixture('wespeaker-expected');
  try {
    return store.readFloat32(name);
  } finally {
    store.close();
  }
}

function build(weights: WeightSource, dir: string): string {
  const fill = (model: Parameters<typeof buildResnetGraph>[0]) =>
    buildResnetGraph(model, { exposeFeatures: true });
  return buildGraph(weights, { dir, name: 'speaker', fill });
}

/** The same network as published for MLX: norms folded in, inputs last. */
function inMlxLayout(torch: WeightSource): WeightSource {
  const tensors: Record<string, { shape: readonly number[]; values: Float32Array }> = {};
  for (const name of torch.tensors.keys()) {
    const found = /^resnet\.(.*conv\d|.*shortcut)(\.0)?\.weight$/.exec(name);
    if (!found?.[1]) continue;
    const { weight, bias, dims } = foldedConvolution(torch, found[1]);
    const [outputs, inputs, height, width] = dims;
    const places = height * width;
    const values = weight.map((_, at) => {
      const [input, place] = [at % inputs, Math.floor(at / inputs) % places];
      const output = Math.floor(at / (inputs * places));
      return weight[(output * inputs + input) * places + place] ?? Number.NaN;
    });
    tensors[`${found[1]}.weight`] = { shape: [outputs, height, width, inputs], values };
    tensors[`${found[1]}.bias`] = { shape: [outputs], values: bias };
  }
  for (const part of ['weight', 'bias']) {
    const name = `resnet.seg_1.${part}`;
    const shape = torch.tensors.get(name)?.shape ?? [];
    tensors[`embedding.${part}`] = { shape, values: torch.readFloat32(name) };
  }
  return weightsOf(tensors);
}

describe('buildResnetGraph', () => {
  const tempDir = useTempDirs();

  it('gives the filter bank of Kaldi within 1e-3 of each logarithm', async () => {
    const weights = openFixture('wespeaker');
    const session = await loadGraph(build(weights, tempDir()));
    const features = await runOn(session, fixtureSound(SAMPLES), 'features');
    expect(largestDifference(features, expected('features'))).toBeLessThanOrEqual(1e-3);
    weights.close();
  });

  it('gives the embedding of pyannote.audio: cosine ≥ 0.99999', async () => {
    const weights = openFixture('wespeaker');
    const session = await loadGraph(build(weights, tempDir()));
    const embedding = await runOn(session, fixtureSound(SAMPLES), 'embeddings');
    expect(cosine(embedding, expected('embedding'))).toBeGreaterThanOrEqual(0.99999);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    weights.close();
  });

  it("gives the same embedding from MLX's layout", async () => {
    const weights = openFixture('wespeaker');
    const session = await loadGraph(build(inMlxLayout(weights), tempDir()));
    const embedding = await runOn(session, fixtureSound(SAMPLES), 'embeddings');
    expect(cosine(embedding, expected('embedding'))).toBeGreaterThanOrEqual(0.99999);
    weights.close();
  });

  it('is run by openSpeakerGraph on voices of any length, each alone', async () => {
    const weights = openFixture('wespeaker');
    const dir = dirname(build(weights, tempDir()));
    weights.close();
    const graph = await openSpeakerGraph({ dir, threads: 1 });
    const voices = [400, 7_200, 40_000, 700_000].map(fixtureSound);
    const together = await graph.embed(voices);
    expect(graph.dimensions).toBe(8);
    for (const [i, voice] of voices.entries()) {
      const [alone = new Float32Array()] = await graph.embed([voice]);
      expect(together[i]).toEqual(alone);
      expect(Math.hypot(...alone)).toBeCloseTo(1, 5);
    }
    await graph.release();
  });
});
