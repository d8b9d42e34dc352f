/** The NVIDIA driver, asked through nvidia-smi. */
import type { Probes } from '#origin/cli/checks/probes.ts';

export interface Gpu {
  readonly name: string;
  readonly driver: string;
  readonly memoryMib: number;
}

export type GpuSearch =
  | { readonly state: 'none' }
  /** nvidia-smi is there and says that something is wrong. */
  | { readonly state: 'broken'; readonly problem: string }
  | { readonly state: 'found'; readonly gpus: readonly Gpu[] };

/**
 * The oldest driver that runs every CUDA 12 program on Linux.
 * Source: https://docs.nvidia.com/deploy/cuda-compatibility/ (minor version compatibility, CUDA 12.x)
 */
export const LEAST_DRIVER = 525;

const QUERY = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader,nounits'];
/** Where Windows puts it inside WSL2; not in PATH for every service. */
const WSL_NVIDIA_SMI = '/usr/lib/wsl/lib/nvidia-smi';

export async function findGpus(probes: Probes): Promise<GpuSearch> {
  const result =
    (await probes.run('nvidia-smi', QUERY)) ??
    (probes.exists(WSL_NVIDIA_SMI) ? await probes.run(WSL_NVIDIA_SMI, QUERY) : null);
  if (result === null) return { state: 'none' };
  const gpus = result.exitCode === 0 ? parseGpus(result.stdout) : [];
  if (gpus.length > 0) return { state: 'found', gpus };
  const said = `${result.stdout}\n${result.stderr}`.trim().split('\n')[0] ?? '';
  return { state: 'broken', problem: said.slice(0, 300) || `exit code ${result.exitCode}` };
}

export function isDriverOld({ driver }: Gpu): boolean {
  return Number.parseInt(driver, 10) < LEAST_DRIVER;
}

export function isWsl(probes: Probes): boolean {
  return /microsoft/i.test(probes.readText('/proc/sys/kernel/osrelease') ?? '');
}

function parseGpus(text: string): Gpu[] {
  return text.split('\n').flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    const memory = cells.at(-1) ?? '';
    const driver = cells.at(-2) ?? '';
    const name = cells.slice(0, -2).join(', ');
    const isRow = name !== '' && /^\d+(\.\d+)*$/.test(driver);
    return isRow ? [{ name, driver, memoryMib: Number.parseInt(memory, 10) || 0 }] : [];
  });
}
