/** The CTC graph against transformers' `Wav2Vec2ForCTC` (4.57.6), on the tiny models of ../shared/reference. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';

import { buildModel } from '#models/build.ts';
import { openSafetensors } from '#models/safetensors.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const REFERENCE = join(import.meta.dirname, '../../../shared/reference');
const NAMES = ['base', 'large'].filter((name) => {
  const isPresent = existsSync(join(REFERENCE, `wav2vec2-tiny-${name}/expected.safetensors`));
  if (!isPresent) console.warn(`Skipped: ../shared/reference/wav2vec2-tiny-${name} is absent.`);
  return isPresent;
});

const tempDir = useTempDirs();

interface Reference {
  readonly waveform: Float32Array;
  readonly logits: Float32Array;
}

function readReference(name: string): Reference {
  const store = openSafetensors(join(REFERENCE, `wav2vec2-tiny-${name}/expected.safetensors`));
  const waveform = store.readFloat32('input_values');
  const logits = store.readFloat32('logits');
  store.close();
  return { waveform, logits };
}

/** The logits (99, 32) of the waveform, in a batch with `company`. */
async function logitsOf(name: string, waveform: Float32Array, company: readonly Float32Array[]) {
  const outDir = tempDir();
  const sourceDir = join(REFERENCE, `wav2vec2-tiny-${name}`);
  await buildModel({ sourceDir, outDir, target: 'cpu-f32', exposeLogits: true });
  const session = await InferenceSession.create(join(outDir, 'emissions.onnx'));
  const items = [waveform, ...company];
  const longest = Math.max(...items.map(({ length }) => length));
  const data = new Float32Array(items.length * longest);
  for (const [i, item] of items.entries()) data.set(item, i * longest);
  const lengths = BigInt64Array.from(items, ({ length }) => BigInt(length));
  const outputs = await session.run({
    waveform: new Tensor('float32', data, [items.length, longest]),
    lengths: new Tensor('int64', lengths, [items.length]),
    columns: new Tensor('int64', new BigInt64Array(items.length), [items.length, 1]),
  });
  await session.release();
  const { frames, logits } = outputs;
  if (!frames || !logits) throw new Error('the graph gave no logits');
  return (logits.data as Float32Array).slice(0, Number(frames.data[0]) * 32);
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? 0))), 0);
}

describe.each(NAMES)('wav2vec2-tiny-%s', (name) => {
  let reference: Reference;
  beforeAll(() => {
    reference = readReference(name);
  });

  it('gives the logits of transformers to 1e-4', async () => {
    const { waveform, logits } = reference;
    expect(largestDifference(await logitsOf(name, waveform, []), logits)).toBeLessThan(1e-4);
  });

  it('gives the same logits beside a longer item in the batch', async () => {
    const { waveform, logits } = reference;
    const longer = Float32Array.from({ length: 50_000 }, (_, i) => Math.sin(i / 7));
    expect(largestDifference(await logitsOf(name, waveform, [longer]), logits)).toBeLessThan(1e-4);
  });
});
