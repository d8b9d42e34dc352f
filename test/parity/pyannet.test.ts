import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSafetensors } from '#models/safetensors.ts';
import { readWav } from '#test/support/read-wav.ts';
import { loadSegmentation, segmentWindows } from '#test/support/segmentation.ts';
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

describe.skipIf(!isPresent)('buildSegmentationGraph', () => {
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
