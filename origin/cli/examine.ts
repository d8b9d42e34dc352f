/** All checks of the machine, in the order in which they are told. */
import { openStore } from '#models/store.ts';
import { checkAudioDecoder } from '#origin/cli/checks/audio-decoder.ts';
import { checkClock } from '#origin/cli/checks/clock.ts';
import { checkEngineRuntime } from '#origin/cli/checks/engine-runtime.ts';
import { checkEnvironment } from '#origin/cli/checks/environment.ts';
import type { Finding } from '#origin/cli/checks/finding.ts';
import { checkGpu } from '#origin/cli/checks/gpu.ts';
import { checkKeys } from '#origin/cli/checks/keys.ts';
import {
  checkDefaultModel,
  checkModelFiles,
  checkRecordingModels,
} from '#origin/cli/checks/models.ts';
import { checkPermissions, checkUser } from '#origin/cli/checks/permissions.ts';
import { checkPort } from '#origin/cli/checks/port.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { checkMemory, checkNode, checkProcessor } from '#origin/cli/checks/runtime.ts';
import { checkSettings } from '#origin/cli/checks/settings.ts';
import { checkStorage } from '#origin/cli/checks/storage.ts';
import { checkTunnel } from '#origin/cli/checks/tunnel.ts';
import { checkVllm } from '#origin/cli/checks/vllm.ts';

export interface ExamineOptions {
  /** Folder of the checkout. */
  readonly folder: string;
  /** In place of a real one; for tests. */
  readonly decoding?: Parameters<typeof checkAudioDecoder>[0];
}

export async function examine(probes: Probes, options: ExamineOptions): Promise<Finding[]> {
  const settings = checkSettings(probes);
  const { config } = settings;
  const store = openStore(config.modelsDir);
  const gpu = await checkGpu(probes, config);
  const model = checkDefaultModel(store, config, gpu.canUseCuda);
  return [
    checkNode(probes),
    checkProcessor(probes),
    ...(model.need === null ? [] : [checkMemory(probes, model.need)]),
    ...checkUser(probes),
    ...settings.findings,
    ...checkEnvironment(probes, options.folder),
    ...(await checkKeys(probes, config)),
    await checkClock(probes, config),
    await checkPort(probes, config),
    // The folders first: they are made where they are missing.
    ...(await checkStorage(probes, config)),
    ...checkPermissions(probes, config),
    await checkAudioDecoder(options.decoding),
    await checkEngineRuntime(probes),
    ...(await checkModelFiles(store)),
    ...checkRecordingModels(store, config),
    model.finding,
    ...gpu.findings,
    ...(await checkVllm(probes)),
    ...(await checkTunnel(probes, config)),
  ];
}
