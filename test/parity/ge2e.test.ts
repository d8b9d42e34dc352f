import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { buildGe2eGraph } from '#models/architectures/ge2e.ts';
import { DataFile } from '#models/onnx/data-file.ts';
import { ModelBuilder } from '#models/onnx/model-builder.ts';
import { openSafetensors } from '#models/safetensors.ts';
import { openSpeakerGraph } from '#origin/engine/graphs/speaker-graph.ts';
import { readWav } from '#test/support/read-wav.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const SHARED = join(import.meta.dirname, '../../../shared');
const MODEL = join(SHARED, 'models/ge2e-speaker-encoder');
const REFERENCE = join(SHARED, 'reference/ge2e.safetensors');
const CLIP = join(SHARED, 'audio/two_speakers.wav');
const EMBEDDED = join(import.meta.dirname, '../../models/embedded/speaker');
const isPresent = [MODEL, REFERENCE, CLIP].every(existsSync);
if (!isPresent) console.warn('Skipped: ../shared with the speaker encoder is absent.');

/** As in reference/ge2e.json. */
const SPANS_SECONDS = [
  [10.7, 14.4],
  [14.9, 17.9],
  [22.0, 27.5],
] as const;
const MARGIN_SAMPLES = 200;
/** A power far below any speech (which reaches 0.7 here): rounding is all that differs there. */
const SILENCE = 1e-9;

/** Golden values: Resemblyzer 0.1.4 with torch 2.8.0, `embed_utterance` of three stretches of two_speakers.wav. */
function readReference(name: string): Float32Array {
  const store = openSafetensors(REFERENCE);
  try {
    return store.readFloat32(name);
  } finally {
    store.close();
  }
}

const spansOf = (waveform: Float32Array) =>
  SPANS_SECONDS.map(([from, to]) =>
    waveform.slice(Math.trunc(from * 16_000), Math.trunc(to * 16_000)),
  );

async function loadWithMel(dir: string): Promise<ort.InferenceSession> {
  mkdirSync(dir, { recursive: true });
  const weights = openSafetensors(MODEL);
  const data = new DataFile(join(dir, 'weights.data'));
  const model = new ModelBuilder('speaker', weights, data);
  buildGe2eGraph(model, { exposeMel: true });
  model.save(join(dir, 'speaker.onnx'));
  data.close();
  weights.close();
  return ort.InferenceSession.create(join(dir, 'speaker.onnx'), { intraOpNumThreads: 2 });
}

const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);

describe.skipIf(!isPresent)('GE2E speaker encoder', () => {
  const tempDir = useTempDirs();

  it('gives the mel spectrogram of Resemblyzer within 1e-4 of each value', async () => {
    const session = await loadWithMel(tempDir());
    const [span = new Float32Array()] = spansOf(readWav(CLIP));
    const data = new Float32Array(span.length + 2 * MARGIN_SAMPLES);
    data.set(span, MARGIN_SAMPLES);
    const waveform = new ort.Tensor('float32', data, [1, data.length]);
    const { mel } = await session.run({ waveform });
    const expected = readReference('mel_0');
    expect(mel?.dims).toEqual([1, expected.length / 40, 40]);
    const values = mel?.data as Float32Array;
    const worst = expected.reduce(
      (max, value, i) =>
        Math.max(max, Math.abs((values[i] ?? Number.NaN) - value) / Math.max(value, SILENCE)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1e-4);
  });

  it('gives the embeddings of Resemblyzer: cosine ≥ 0.9999', async () => {
    const graph = await openSpeakerGraph({ dir: EMBEDDED, threads: 2, evenLevels: false });
    const found = await graph.embed(spansOf(readWav(CLIP)));
    const expected = readReference('embeddings');
    const { dimensions } = graph;
    const cosines = found.map((embedding, i) =>
      cosine(embedding, expected.subarray(i * dimensions, (i + 1) * dimensions)),
    );
    expect(Math.min(...cosines)).toBeGreaterThanOrEqual(0.9999);
    await graph.release();
  });

  it('puts two stretches of one speaker closer than those of two', async () => {
    const graph = await openSpeakerGraph({ dir: EMBEDDED, threads: 2 });
    const [a, b, alsoB] = await graph.embed(spansOf(readWav(CLIP)));
    if (!a || !b || !alsoB) throw new Error('three embeddings expected');
    expect(cosine(b, alsoB)).toBeGreaterThan(Math.max(cosine(a, b), cosine(a, alsoB)) + 0.1);
    await graph.release();
  });
});
