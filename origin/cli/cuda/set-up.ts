/** From a machine with an NVIDIA GPU to a session on CUDA. Downloads only when all that must come before is there. */
import { findProvider, type Provider } from '#origin/cli/checks/cuda-provider.ts';
import {
  checkDriver,
  checkLibraries,
  checkPlatform,
  checkProviderFiles,
  checkSession,
} from '#origin/cli/checks/cuda-steps.ts';
import { type Finding, fault, hasFault } from '#origin/cli/checks/finding.ts';
import { findGpus } from '#origin/cli/checks/gpu-driver.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';

export interface SetUpTools {
  readonly probes: Probes;
  /** False with `--check`. */
  readonly mayInstall: boolean;
  /** Fetches the provider's files; gives the exit code of the script that does it. */
  readonly install: (packageDir: string) => Promise<number>;
  /** Where onnxruntime-node lies; default: where Node finds it. */
  readonly packageDir?: string;
}

export async function setUpCuda(tools: SetUpTools): Promise<readonly Finding[]> {
  const { probes } = tools;
  const provider = findProvider(probes, tools.packageDir);
  const platform = checkPlatform(probes);
  if (platform.state === 'fault') return [platform];
  const needed = [
    platform,
    checkDriver(probes, await findGpus(probes)),
    await checkLibraries(probes, provider),
  ];
  const files = checkProviderFiles(provider);
  if (hasFault(needed)) return [...needed, files];
  if (files.state === 'ok') return [...needed, files, await checkSession(probes)];
  if (!tools.mayInstall) return [...needed, files];
  return [...needed, ...(await install(tools, provider))];
}

async function install(tools: SetUpTools, before: Provider): Promise<Finding[]> {
  const { probes, packageDir } = tools;
  const exitCode = await tools.install(before.packageDir);
  const provider = findProvider(probes, packageDir);
  if (exitCode !== 0 || provider.missing.length > 0) {
    const said = `onnxruntime-node's install script ended with exit code ${exitCode}`;
    const action =
      'Its own words stand above. It needs https://api.nuget.org, directly or by HTTPS_PROXY, and room in the folder for temporary files (TMPDIR).';
    return [
      fault('provider', `${said}; missing: ${provider.missing.join(', ') || 'nothing'}`, action),
    ];
  }
  // Now the linker can be asked what the provider really needs.
  const libraries = await checkLibraries(probes, provider);
  const installed = [checkProviderFiles(provider), libraries];
  return hasFault(installed) ? installed : [...installed, await checkSession(probes)];
}
