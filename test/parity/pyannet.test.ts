import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSegmentationGraph } from '#models/architectures/pyannet.ts';
import { sincFilters } from '#models/architectures/sinc-filters.ts';
import type { WeightSource } from '#models/onnx/model-builder.ts';
import { openSafetensors } from '#models/safetensors.ts';
import { openSegmentationGraph } from '#origin/engine/graphs/segmentation-graph.ts';
import { buildGraph, weightsOf } from '#test/support/build-graph.ts';
import { readWav } from '#test/support/read-wav.ts';
import { loadSegmentation, segmentWindows } from '#test/support/segmentation.ts';
import { fixtureSound, largestDifference, openFixture } from '#test/support/speaker-fixtures.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const SHARED = join(import.meta.dirname, '../../../shared');
const MODEL = join(SHARED, 'models/pyannote-segmentation');
const REFERENCE = join(SHARED, 'reference/segmentation-two_speakers.safetensors');
const CLIP = join(SHARED, 'audio/two_speakers.wav');
const isPresent = [MODEL, REFERENCE, CLIP].every(existsSync);
if (!isPresent) console.warn('Skipped: ../shared with the segmentation model is absent.');

const WINDOWS = Array.from({ length: 26 }, (_, second) => second * 16_000);
const VALUES_PER_WINDOW = 293 * 3;

/** Golden values: pyannote.audio 4.0.7 with torch 2.8.0 in float32, 26 windows of two_speakers.wav, 1 s apart. */
function readReference(): Float32Array {
  const store = openSafetensors(REFERENCE);
  try {
    return store.readFloat32('activations');
  } finally {
    store.close();
  }
}

function differences(a: Float32Array, b: Float32Array): { max: number; mean: number } {
  expect(a).toHaveLength(b.length);
  const all = a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN)));
  return {
    max: all.reduce((x, y) => Math.max(x, y), 0),
    mean: all.reduce((x, y) => x + y, 0) / all.length,
  };
}

describe.skipIf(!isPresent)('buildSegmentationGraph, pyannote/segmentation', () => {
  const tempDir = useTempDirs();

  // Rounding moves single frames at the edges of speech: torch in float64, with the same filters, differs from the
  // reference by up to 0.0028, another order of summation by up to 0.013. So only few windows may differ by more than
  // 0.001.
  it('gives the activations of pyannote: mean difference ≤ 2e-5, largest ≤ 0.02', async () => {
    const session = await loadSegmentation(MODEL, tempDir());
    const activations = await segmentWindows(session, readWav(CLIP), WINDOWS);
    const reference = readReference();
    const { max, mean } = differences(activations, reference);
    expect(mean).toBeLessThanOrEqual(2e-5);
    expect(max).toBeLessThanOrEqual(0.02);
    const worst = WINDOWS.map((_, i) => {
      const [from, to] = [i * VALUES_PER_WINDOW, (i + 1) * VALUES_PER_WINDOW];
      return differences(activations.subarray(from, to), reference.subarray(from, to)).max;
    });
    expect(worst.filter((difference) => difference > 1e-3).length).toBeLessThanOrEqual(2);
  });

  it('gives a window the same activations alone and in a batch of 16', async () => {
    const session = await loadSegmentation(MODEL, tempDir());
    const waveform = readWav(CLIP);
    const batch = await segmentWindows(session, waveform, WINDOWS.slice(0, 16));
    const alone = await segmentWindows(session, waveform, WINDOWS.slice(5, 6));
    const inBatch = batch.slice(5 * VALUES_PER_WINDOW, 6 * VALUES_PER_WINDOW);
    expect(differences(alone, inBatch).max).toBeLessThanOrEqual(1e-4);
  });
});

/** The same network as published for MLX: filters ready, inputs last, the biases of an LSTM in one. */
function inMlxLayout(torch: WeightSource): WeightSource {
  const tensors: Record<string, { shape: readonly number[]; values: Float32Array }> = {};
  const shapeOf = (name: string) => torch.tensors.get(name)?.shape ?? [];
  const filter = (name: string) => torch.readFloat32(`sincnet.conv1d.0.filterbank.${name}`);
  const values = sincFilters({
    lowHertz: filter('low_hz_'),
    bandHertz: filter('band_hz_'),
    times: filter('n_'),
    window: filter('window_'),
  });
  tensors['sincnet.conv.0.weight'] = { shape: [80, 251, 1], values };
  for (const name of torch.tensors.keys()) {
    if (name.includes('filterbank') || name.startsWith('lstm.bias_hh')) continue;
    const lstm = /^lstm\.(weight_ih|weight_hh|bias_ih)_l(\d)(_reverse)?$/.exec(name);
    const values = torch.readFloat32(name);
    if (lstm) {
      const part = { weight_ih: 'Wx', weight_hh: 'Wh', bias_ih: 'bias' }[lstm[1] ?? ''];
      const other = lstm[1] === 'bias_ih' ? torch.readFloat32(name.replace('_ih', '_hh')) : null;
      tensors[`lstm_${lstm[3] ? 'bwd' : 'fwd'}.layers.${lstm[2]}.${part}`] = {
        shape: shapeOf(name),
        values: other ? values.map((value, i) => value + (other[i] ?? 0)) : values,
      };
      continue;
    }
    const renamed = name.replace('sincnet.conv1d', 'sincnet.conv').replace('norm1d', 'norm');
    const [outputs = 0, inputs = 0, taps = 0] = shapeOf(name);
    const inputsLast = values.map((_, at) => {
      const [input, tap] = [at % inputs, Math.floor(at / inputs) % taps];
      return values[(Math.floor(at / (inputs * taps)) * inputs + input) * taps + tap] ?? Number.NaN;
    });
    tensors[renamed] =
      taps > 0
        ? { shape: [outputs, taps, inputs], values: inputsLast }
        : { shape: shapeOf(name), values };
  }
  return weightsOf(tensors);
}

describe('buildSegmentationGraph, pyannote/segmentation-3.0', () => {
  const tempDir = useTempDirs();
  const WINDOW_SAMPLES = 160_000;

  async function activationsOf(weights: WeightSource): Promise<Float32Array> {
    const fill = buildSegmentationGraph;
    const path = buildGraph(weights, { dir: tempDir(), name: 'segmentation', fill });
    const graph = await openSegmentationGraph(path, { intraOpNumThreads: 2 });
    expect([graph.windowSamples, graph.frames]).toEqual([WINDOW_SAMPLES, 589]);
    const { activations, speakers } = await graph.segment([fixtureSound(WINDOW_SAMPLES)]);
    expect(speakers).toBe(3);
    await graph.release();
    return activations;
  }

  function expected(): Float32Array {
    const store = openFixture('segmentation-expected');
    try {
      return store.readFloat32('activations');
    } finally {
      store.close();
    }
  }

  it('adds up the probabilities of the sets with each speaker, as Powerset of pyannote does: within 1e-3', async () => {
    const weights = openFixture('segmentation');
    expect(largestDifference(await activationsOf(weights), expected())).toBeLessThanOrEqual(1e-3);
    weights.close();
  });

  it("gives the same from MLX's layout", async () => {
    const weights = openFixture('segmentation');
    const activations = await activationsOf(inMlxLayout(weights));
    expect(largestDifference(activations, expected())).toBeLessThanOrEqual(1e-3);
    weights.close();
  });

  it('refuses a window that is too long', async () => {
    const weights = openFixture('segmentation');
    const fill = buildSegmentationGraph;
    const path = buildGraph(weights, { dir: tempDir(), name: 'segmentation', fill });
    weights.close();
    const graph = await openSegmentationGraph(path, {});
    const tooLong = new Float32Array(WINDOW_SAMPLES + 1);
    await expect(graph.segment([tooLong])).rejects.toThrow('at most 160000 fit');
    await graph.release();
  });
});
