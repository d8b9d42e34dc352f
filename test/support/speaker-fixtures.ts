import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILDER_VERSION, buildModel } from '#models/build.ts';
import { installModel } from '#models/install.ts';
import { openSafetensors, type SafetensorsStore } from '#models/safetensors.ts';
import { writeSafetensors } from '#models/safetensors-write.ts';
import type { ModelStore } from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/speaker-models');

/** See test/fixtures/speaker-models/README.md. Whoever opened it closes it. */
export function openFixture(
  name: 'wespeaker' | 'wespeaker-expected' | 'segmentation' | 'segmentation-expected',
): SafetensorsStore {
  return openSafetensors(join(FIXTURES, `${name}.safetensors`));
}

const MODEL_TYPES = {
  wespeaker: 'wespeaker-resnet34-lm',
  segmentation: 'pyannote-segmentation',
} as const;

/** Fills a folder as it lies after a download: tiny models with made-up weights, in the layout of the real ones. */
export function writeSource(dir: string, fixture: keyof typeof MODEL_TYPES): void {
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(FIXTURES, `${fixture}.safetensors`), join(dir, 'model.safetensors'));
  const config = { model_type: MODEL_TYPES[fixture] };
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
}

/** In every frame, the first local speaker talks alone: class 1 of the powerset wins. */
export function letOneSpeak(dir: string): void {
  const path = join(dir, 'model.safetensors');
  const store = openSafetensors(path);
  const tensors = [...store.tensors].map(([name, { shape }]) => {
    const data = store.readFloat32(name);
    if (name === 'classifier.bias') data[1] = 6;
    return { name, dtype: 'F32' as const, shape, data };
  });
  store.close();
  writeSafetensors(path, tensors);
}

/** Installs both under the registry's names, as `pull` does after the download. */
export async function installSpeakerModels(
  store: ModelStore,
  target: ModelTarget = 'cpu',
): Promise<void> {
  const builder = { version: BUILDER_VERSION, build: buildModel };
  const sources = join(store.modelsDir, 'made-up');
  for (const [name, fixture] of [
    ['wespeaker-resnet34-lm', 'wespeaker'],
    ['segmentation-3.0', 'segmentation'],
  ] as const) {
    const sourceDir = join(sources, fixture);
    writeSource(sourceDir, fixture);
    if (fixture === 'segmentation') letOneSpeak(sourceDir);
    await installModel({ store, name, target, sourceDir, builder });
  }
}

/** The sound of make.py: whole numbers, so the same samples everywhere. */
export function fixtureSound(samples: number): Float32Array {
  return Float32Array.from({ length: samples }, (_, n) => {
    return (((n * n * 7 + n * 13) % 8001) - 4000) / 32768;
  });
}

export const cosine = (a: Float32Array, b: Float32Array): number => {
  let [dot, aa, bb] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? Number.NaN;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
};

export const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.length === b.length
    ? a.reduce((max, x, i) => Math.max(max, Math.abs(x - (b[i] ?? Number.NaN))), 0)
    : Number.POSITIVE_INFINITY;
