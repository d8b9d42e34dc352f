import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordFiles, writeManifest } from '#models/manifest.ts';
import { builtDirOf, type ModelStore, openStore } from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';
import {
  checkDefaultModel,
  checkModelFiles,
  checkRecordingModels,
  defaultModelName,
} from '#origin/cli/checks/models.ts';
import { loadConfig } from '#origin/config.ts';
import { createLogger } from '#origin/logger.ts';
import { createMetrics } from '#origin/metrics/metrics.ts';
import { createTranscriber } from '#origin/pipeline/create-transcriber.ts';
import { installSpeakerModels } from '#test/support/speaker-fixtures.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

/** Makes a built model of one small file; nothing here loads it. */
async function install(store: ModelStore, name: string, target: ModelTarget): Promise<string> {
  const dir = builtDirOf(store, name, target);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'decoder.onnx'), 'weights');
  writeManifest(join(dir, 'manifest.json'), {
    ...{ name, target, builderVersion: 1, architecture: 'whisper', languages: [], source: null },
    files: await recordFiles(dir),
  });
  return dir;
}

const storeWithEmbedded = () => openStore(tempDir());

describe('checkModelFiles', () => {
  it('finds the embedded models whole', async () => {
    const findings = await checkModelFiles(storeWithEmbedded());
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      state: 'ok',
      message:
        'hashes right: base (cpu, embedded), segmentation (cpu, embedded), speaker (cpu, embedded)',
    });
  });

  it('names a file whose content has changed though its length has not', async () => {
    const store = storeWithEmbedded();
    const dir = await install(store, 'tiny', 'cpu');
    writeFileSync(join(dir, 'decoder.onnx'), 'WEIGHTS');
    const broken = (await checkModelFiles(store)).filter(({ state }) => state === 'fault');
    expect(broken).toHaveLength(1);
    expect(broken[0]).toMatchObject({
      message: 'tiny (cpu): decoder.onnx: wrong hash',
      action: 'Run: npm run models -- pull tiny',
    });
  });

  it('says how to bring back an embedded model that is gone', async () => {
    const embedded = tempDir();
    cpSync(join(openStore().embeddedDir, 'base'), join(embedded, 'base'), { recursive: true });
    const findings = await checkModelFiles(openStore(tempDir(), embedded));
    expect(findings.at(-1)).toMatchObject({
      state: 'fault',
      action: expect.stringContaining('models/embedded'),
    });
  });
});

describe('checkRecordingModels', () => {
  it('tells the models that are used, and how long their windows are', async () => {
    const store = storeWithEmbedded();
    expect(checkRecordingModels(store, loadConfig({}))).toMatchObject([
      {
        state: 'ok',
        message: 'segmentation finds speech, in windows of 5 s; speaker tells voices apart',
      },
    ]);
    await installSpeakerModels(store);
    const settings = {
      SEGMENTATION_MODEL: 'segmentation-3.0',
      SPEAKER_MODEL: 'wespeaker-resnet34-lm',
    };
    expect(checkRecordingModels(store, loadConfig(settings))).toMatchObject([
      { state: 'ok', message: expect.stringContaining('windows of 10 s') },
    ]);
  });

  it('is a fault for a model that is not installed or of another kind', () => {
    const settings = { SEGMENTATION_MODEL: 'segmentation-3.0', SPEAKER_MODEL: 'base' };
    expect(checkRecordingModels(storeWithEmbedded(), loadConfig(settings))).toMatchObject([
      {
        state: 'fault',
        message:
          'SEGMENTATION_MODEL=segmentation-3.0: the model "segmentation-3.0" is not installed',
        action: 'Run: npm run models -- pull segmentation-3.0',
      },
      { state: 'fault', message: expect.stringContaining('of the kind "whisper"') },
    ]);
  });
});

describe('checkDefaultModel', () => {
  it('takes the embedded base on a machine without CUDA', () => {
    const { finding, need } = checkDefaultModel(storeWithEmbedded(), loadConfig({}), false);
    expect(finding).toMatchObject({ state: 'ok', message: 'base, built for cpu, runs on cpu' });
    expect(need?.bytes).toBeGreaterThan(100e6);
  });

  it('is a fault when the model is not installed, with the command that installs it', () => {
    const config = loadConfig({ WHISPER_MODEL: 'small' });
    const { finding } = checkDefaultModel(storeWithEmbedded(), config, false);
    expect(finding).toMatchObject({
      state: 'fault',
      action: 'Run: npm run models -- pull small --target cpu',
    });
  });

  it('is a fault when the model is built for CUDA only and CUDA does not work', async () => {
    const store = storeWithEmbedded();
    await install(store, 'large-v3', 'cuda-f16');
    expect(checkDefaultModel(store, loadConfig({}), false).finding.state).toBe('fault');
    expect(checkDefaultModel(store, loadConfig({}), true).finding).toMatchObject({
      state: 'ok',
      message: 'large-v3, built for cuda-f16, runs on cuda',
    });
  });

  it('warns when CUDA works and the model is not built for it', () => {
    const { finding } = checkDefaultModel(storeWithEmbedded(), loadConfig({}), true);
    expect(finding).toMatchObject({
      state: 'warning',
      action: expect.stringContaining('pull base --target cuda-f16'),
    });
  });
});

describe('defaultModelName', () => {
  it.each([
    ['nothing is set', {}],
    ['the device is the CPU', { WHISPER_DEVICE: 'cpu' }],
    ['a model is named', { WHISPER_MODEL: 'tiny' }],
  ])('agrees with the pipeline when %s, with large-v3 built for CUDA', async (_case, settings) => {
    const store = storeWithEmbedded();
    await install(store, 'large-v3', 'cuda-f16');
    const config = loadConfig({ ...settings, MODELS_DIR: store.modelsDir });
    const metrics = createMetrics();
    const transcriber = createTranscriber(config, { logger: createLogger('silent'), metrics });
    const { defaultWhisper } = transcriber.models();
    await transcriber.close();
    expect(defaultModelName(store, config)).toBe(defaultWhisper);
  });
});
