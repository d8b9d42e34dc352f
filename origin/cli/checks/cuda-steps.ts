/** What CUDA needs, one step after the other. Each gives one finding; a step makes sense only when those before are ok. */
import { missingCudaLibraries, packagesFor } from '#origin/cli/checks/cuda-libraries.ts';
import { type Provider, providerFile, tryCudaSession } from '#origin/cli/checks/cuda-provider.ts';
import { type Finding, fault, ok } from '#origin/cli/checks/finding.ts';
import {
  type Gpu,
  type GpuSearch,
  isDriverOld,
  isWsl,
  LEAST_DRIVER,
} from '#origin/cli/checks/gpu-driver.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';

export function checkPlatform(probes: Probes): Finding {
  const { platform, arch } = probes;
  const found = `${platform} ${arch}${isWsl(probes) ? ' in WSL2' : ''}`;
  if (platform === 'linux' && arch === 'x64') return ok('platform', found);
  const onWindows = platform === 'win32';
  const action = onWindows ? 'Run the service inside WSL2.' : 'Use the CPU: WHISPER_DEVICE=cpu.';
  return fault('platform', `${found}: onnxruntime-node has CUDA for Linux x64 only`, action);
}

export function checkDriver(probes: Probes, search: GpuSearch): Finding {
  switch (search.state) {
    case 'none':
      return fault('driver', 'nvidia-smi was not found', driverAction(probes));
    case 'broken':
      return fault('driver', `nvidia-smi says: ${search.problem}`, driverAction(probes));
    case 'found': {
      const old = search.gpus.find(isDriverOld);
      const found = search.gpus.map(describeGpu).join('; ');
      if (old === undefined) return ok('driver', found);
      const action = `Update the driver to ${LEAST_DRIVER} or later: CUDA 12 needs it.`;
      return fault('driver', `${found}: too old`, action);
    }
  }
}

export async function checkLibraries(probes: Probes, provider: Provider): Promise<Finding> {
  const missing = await missingCudaLibraries(probes, providerFile(provider));
  if (missing.length === 0) return ok('libraries', 'CUDA 12 and cuDNN 9 were found');
  const packages = packagesFor(missing).join(' ');
  const action = `On Ubuntu or Debian with NVIDIA's package source: sudo apt-get install ${packages}. Libraries elsewhere: add their folder to LD_LIBRARY_PATH. See docs/how-to/set-up-a-gpu.md.`;
  return fault('libraries', `not found: ${missing.join(', ')}`, action);
}

export function checkProviderFiles(provider: Provider): Finding {
  if (provider.missing.length === 0)
    return ok('provider', "onnxruntime's CUDA files are installed");
  const message = `missing in onnxruntime-node: ${provider.missing.join(', ')}`;
  return fault('provider', message, 'Run: npm run setup:cuda (again after each npm ci)');
}

export async function checkSession(probes: Probes): Promise<Finding> {
  const problem = await tryCudaSession(probes);
  if (problem === null) return ok('session', 'a small model ran on CUDA');
  return fault(
    'session',
    `a small model could not run on CUDA: ${problem}`,
    'See docs/how-to/set-up-a-gpu.md, "When it does not work".',
  );
}

function describeGpu({ name, driver, memoryMib }: Gpu): string {
  return `${name}, ${memoryMib} MiB, driver ${driver}`;
}

function driverAction(probes: Probes): string {
  return isWsl(probes)
    ? 'Install the NVIDIA driver in Windows, none inside WSL2, then run: wsl --shutdown'
    : "Install NVIDIA's driver, then try: nvidia-smi";
}
