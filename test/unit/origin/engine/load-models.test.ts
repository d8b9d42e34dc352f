import { describe, expect, it } from 'vitest';
import { openStore } from '#models/store.ts';
import { loadSegmentation, loadSpeakerEncoder } from '#origin/engine/graphs/load-models.ts';
import { installSpeakerModels } from '#test/support/speaker-fixtures.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const settingsOf = (modelsDir: string) =>
  ({ store: openStore(modelsDir), threads: 1, device: 'cpu', computeType: 'auto' }) as const;

describe('loadSegmentation', () => {
  it('opens the model of this name, whatever its windows', async () => {
    const settings = settingsOf(tempDir());
    await installSpeakerModels(settings.store);
    for (const [name, windowSamples] of [
      ['segmentation', 80_000],
      ['segmentation-3.0', 160_000],
    ] as const) {
      const graph = await loadSegmentation(name, settings);
      expect(graph.windowSamples).toBe(windowSamples);
      await graph.release();
    }
  });

  it('says what it found in place of one', async () => {
    const settings = settingsOf(tempDir());
    await expect(loadSegmentation('nobody', settings)).rejects.toThrow('not installed');
    await expect(loadSegmentation('base', settings)).rejects.toThrow('cannot find speech');
  });
});

describe('loadSpeakerEncoder', () => {
  it('says what it found in place of one', async () => {
    const settings = settingsOf(tempDir());
    const wrong = loadSpeakerEncoder('segmentation', settings);
    await expect(wrong).rejects.toThrow('"pyannet", which cannot tell voices apart');
  });
});
