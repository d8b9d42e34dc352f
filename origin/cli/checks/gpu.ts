/** The doctor's view of the GPU: how much of what CUDA needs is there, judged by what WHISPER_DEVICE asks for. */
import { findProvider, type Provider } from '#origin/cli/checks/cuda-provider.ts';
import {
  checkDriver,
  checkLibraries,
  checkPlatform,
  checkProviderFiles,
  checkSession,
} from '#origin/cli/checks/cuda-steps.ts';
import { type Finding, ok } from '#origin/cli/checks/finding.ts';
import { findGpus } from '#origin/cli/checks/gpu-driver.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import type { OriginConfig } from '#origin/config.ts';

export interface GpuReport {
  readonly findings: readonly Finding[];
  /** A session on CUDA was opened. */
  readonly canUseCuda: boolean;
}

/** With `cuda` every gap is a fault; with `auto` it is a warning, and no GPU at all is fine. */
export async function checkGpu(
  probes: Probes,
  { device }: Pick<OriginConfig, 'device'>,
  provider: Provider = findProvider(probes),
): Promise<GpuReport> {
  if (device === 'cpu') return onCpu('not asked for (WHISPER_DEVICE=cpu)');
  const search = await findGpus(probes);
  if (device === 'auto' && search.state === 'none') {
    return onCpu('no NVIDIA GPU found; models run on the CPU');
  }
  const prepared = [
    checkPlatform(probes),
    checkDriver(probes, search),
    checkProviderFiles(provider),
    await checkLibraries(probes, provider),
  ];
  const isPrepared = prepared.every(({ state }) => state === 'ok');
  const findings = isPrepared ? [...prepared, await checkSession(probes)] : prepared;
  return {
    findings: device === 'cuda' ? findings : findings.map(soften),
    canUseCuda: isPrepared && findings.every(({ state }) => state === 'ok'),
  };
}

function onCpu(message: string): GpuReport {
  return { findings: [ok('gpu', message)], canUseCuda: false };
}

function soften(finding: Finding): Finding {
  return finding.state === 'fault' ? { ...finding, state: 'warning' } : finding;
}
