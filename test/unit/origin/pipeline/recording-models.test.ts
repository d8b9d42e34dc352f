import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PART_ARCHITECTURES } from '#models/model-parts.ts';
import { builtDirOf, openStore } from '#models/store.ts';
import { diarizeOptionsFor } from '#origin/diarize/calibrations.ts';
import { DEFAULT_DIARIZE_OPTIONS } from '#origin/diarize/options.ts';
import { openRecordingModels } from '#origin/pipeline/recording-models.ts';
import { DEFAULT_WINDOW } from '#origin/vad/frame-grid.ts';
import { installSpeakerModels } from '#test/support/speaker-fixtures.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const PULLED = {
  segmentationModel: 'segmentation-3.0',
  speakerModel: 'wespeaker-resnet34-lm',
} as const;

describe('openRecordingModels', () => {
  it('takes the embedded models where the settings say nothing', () => {
    const models = openRecordingModels(openStore(tempDir()), {});
    expect(models.window()).toEqual({ ok: true, value: DEFAULT_WINDOW });
    expect(models.diarization()).toEqual({ ok: true, value: DEFAULT_DIARIZE_OPTIONS });
    expect(models.faults()).toEqual([]);
  });

  it('reads windows and thresholds from the models that are installed', async () => {
    const store = openStore(tempDir());
    await installSpeakerModels(store);
    const models = openRecordingModels(store, PULLED);
    const window = { windowSamples: 160_000, windowFrames: 589 };
    expect(models.window()).toEqual({ ok: true, value: window });
    const value = diarizeOptionsFor('wespeaker-resnet34-lm');
    expect(models.diarization()).toEqual({ ok: true, value });
    expect(models.faults()).toEqual([]);
  });

  it('takes what was built for CUDA only: it runs on the CPU all the same', async () => {
    const store = openStore(tempDir());
    await installSpeakerModels(store, 'cuda-f16');
    expect(openRecordingModels(store, PULLED).faults()).toEqual([]);
  });

  it('finds a model that is pulled later', async () => {
    const store = openStore(tempDir());
    const models = openRecordingModels(store, PULLED);
    expect([models.window().ok, models.diarization().ok]).toEqual([false, false]);
    await installSpeakerModels(store);
    expect([models.window().ok, models.diarization().ok]).toEqual([true, true]);
  });

  it('says how to get a model that is not installed', () => {
    const models = openRecordingModels(openStore(tempDir()), PULLED);
    expect(models.window()).toMatchObject({
      error: { kind: 'model_unavailable', model: 'segmentation-3.0' },
    });
    expect(models.faults()).toEqual([
      {
        setting: 'SEGMENTATION_MODEL',
        model: 'segmentation-3.0',
        message: 'the model "segmentation-3.0" is not installed',
        action: 'Run: npm run models -- pull segmentation-3.0',
      },
      {
        setting: 'SPEAKER_MODEL',
        model: 'wespeaker-resnet34-lm',
        message: 'the model "wespeaker-resnet34-lm" is not installed',
        action: 'Run: npm run models -- pull wespeaker-resnet34-lm',
      },
    ]);
  });

  it.each([
    ['a Whisper model', { segmentationModel: 'base', speakerModel: 'base' }, '"whisper"'],
    ['one for the other', { segmentationModel: 'speaker', speakerModel: 'segmentation' }, '"'],
    ['a name nobody knows', { segmentationModel: 'x', speakerModel: '_x' }, '_x'],
  ])('names those that can be set in place of %s', (_case, config, found) => {
    const faults = openRecordingModels(openStore(tempDir()), config).faults();
    expect(faults.map(({ action }) => action)).toEqual([
      expect.stringContaining('segmentation, segmentation-3.0'),
      expect.stringContaining('speaker, wespeaker-resnet34-lm'),
    ]);
    expect(faults[1]?.message).toContain(found);
  });

  it('asks for a new pull where the graph is damaged', async () => {
    const store = openStore(tempDir());
    await installSpeakerModels(store);
    const graph = join(builtDirOf(store, 'segmentation-3.0', 'cpu'), 'segmentation.onnx');
    writeFileSync(graph, 'x');
    const models = openRecordingModels(store, PULLED);
    expect(models.window().ok).toBe(false);
    expect(models.faults()).toMatchObject([
      { action: 'Run: npm run models -- pull segmentation-3.0' },
    ]);
  });

  it('knows thresholds for every encoder that may be installed', () => {
    for (const architecture of PART_ARCHITECTURES.encoder) {
      expect(diarizeOptionsFor(architecture)).not.toBeNull();
    }
  });
});
