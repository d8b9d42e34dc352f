import type { Probes, ProgramResult } from '#origin/cli/checks/probes.ts';

export interface FakeMachine extends Partial<Omit<Probes, 'run' | 'readText' | 'exists'>> {
  /** Output by program, or by program and arguments. A program that is not named cannot be started. */
  readonly programs?: Readonly<Record<string, Partial<ProgramResult>>>;
  /** Text by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A Linux machine where everything is fine and nothing is installed, but for what is given. */
export function fakeProbes(machine: FakeMachine = {}): Probes {
  const { programs = {}, files = {}, ...rest } = machine;
  return {
    platform: 'linux',
    arch: 'x64',
    nodeVersion: '22.23.3',
    environment: {},
    async run(program, args) {
      const result = programs[[program, ...args].join(' ')] ?? programs[program];
      return result === undefined ? null : { exitCode: 0, stdout: '', stderr: '', ...result };
    },
    readText: (path) => files[path] ?? null,
    exists: (path) => path in files,
    memory: () => ({ totalBytes: 16e9, availableBytes: 12e9 }),
    freeDiskBytes: async () => 100e9,
    tryToWrite: async () => null,
    tryToListen: async () => null,
    getJson: async () => null,
    userId: 1000,
    owner: () => null,
    compareClocks: async () => null,
    ...rest,
  };
}

/** What nvidia-smi prints for our query. */
export const ONE_GPU = 'NVIDIA GeForce RTX 3090, 560.35.03, 24576\n';

/** What `ldconfig -p` prints where CUDA 12 and cuDNN 9 are installed. */
export const CUDA_IN_LINKER_CACHE = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcurand.so.10',
  'libcufft.so.11',
  'libcudnn.so.9',
]
  .map((name) => `\t${name} (libc6,x86-64) => /usr/local/cuda/lib64/${name}\n`)
  .join('');
