import { join } from 'node:path';
import { openSafetensors, type SafetensorsStore } from '#models/safetensors.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/speaker-models');

/** See test/fixtures/speaker-models/README.md. Whoever opened it closes it. */
export function openFixture(
  name: 'wespeaker' | 'wespeaker-expected' | 'segmentation' | 'segmentation-expected',
): SafetensorsStore {
  return openSafetensors(join(FIXTURES, `${name}.safetensors`));
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
