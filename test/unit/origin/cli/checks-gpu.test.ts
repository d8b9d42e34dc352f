import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CUDA_LIBRARIES, missingCudaLibraries } from '#origin/cli/checks/cuda-libraries.ts';
import { PROVIDER_FILES, tryCudaSession } from '#origin/cli/checks/cuda-provider.ts';
import { checkGpu } from '#origin/cli/checks/gpu.ts';
import { findGpus } from '#origin/cli/checks/gpu-driver.ts';
import { systemProbes } from '#origin/cli/checks/system-probes.ts';
import { CUDA_IN_LINKER_CACHE, fakeProbes, ONE_GPU } from '#test/support/fake-probes.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const installed = { packageDir: '/ort', dir: '/ort/bin', missing: [] };
const notInstalled = { ...installed, missing: PROVIDER_FILES };
const linker = { ldconfig: { stdout: CUDA_IN_LINKER_CACHE } };
const session = { [process.execPath]: { stdout: '{"ok":true}\n' } };

/** A PATH with one program, as a shell script. */
function pathWith(program: string, script: string): Record<string, string> {
  const dir = join(tempDir(), 'bin');
  mkdirSync(dir);
  writeFileSync(join(dir, program), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, program), 0o755);
  return { PATH: dir };
}

describe('findGpus', () => {
  it('reads what nvidia-smi in PATH prints', async () => {
    const environment = pathWith('nvidia-smi', `printf '%s' "${ONE_GPU}"`);
    expect(await findGpus(systemProbes(environment))).toEqual({
      state: 'found',
      gpus: [{ name: 'NVIDIA GeForce RTX 3090', driver: '560.35.03', memoryMib: 24_576 }],
    });
  });

  it("keeps nvidia-smi's own words when it fails", async () => {
    const said = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
    const environment = pathWith('nvidia-smi', `echo "${said}"; exit 9`);
    expect(await findGpus(systemProbes(environment))).toEqual({ state: 'broken', problem: said });
  });

  it('finds none where there is no nvidia-smi', async () => {
    expect(await findGpus(systemProbes({ PATH: tempDir() }))).toEqual({ state: 'none' });
  });

  it('looks where Windows puts nvidia-smi inside WSL2', async () => {
    const path = '/usr/lib/wsl/lib/nvidia-smi';
    const probes = fakeProbes({ files: { [path]: '' }, programs: { [path]: { stdout: ONE_GPU } } });
    expect((await findGpus(probes)).state).toBe('found');
  });
});

describe('missingCudaLibraries', () => {
  it('finds all of them in the cache of the dynamic linker', async () => {
    expect(await missingCudaLibraries(fakeProbes({ programs: linker }), null)).toEqual([]);
  });

  it('names what is not there', async () => {
    const stdout = CUDA_IN_LINKER_CACHE.replaceAll('libcudnn.so.9', 'libcudnn.so.8');
    const probes = fakeProbes({ programs: { '/sbin/ldconfig': { stdout } } });
    expect(await missingCudaLibraries(probes, null)).toEqual(['libcudnn.so.9']);
  });

  it('looks into LD_LIBRARY_PATH too', async () => {
    const files = Object.fromEntries(CUDA_LIBRARIES.map((name) => [`/opt/cuda/${name}`, '']));
    const environment = { LD_LIBRARY_PATH: '/nowhere::/opt/cuda' };
    expect(await missingCudaLibraries(fakeProbes({ files, environment }), null)).toEqual([]);
  });

  it("believes the linker about the provider's own file before any list", async () => {
    const stdout = '\tlibcudnn.so.9 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x0)\n';
    const probes = fakeProbes({ programs: { ...linker, 'ldd /ort/cuda.so': { stdout } } });
    expect(await missingCudaLibraries(probes, '/ort/cuda.so')).toEqual(['libcudnn.so.9']);
  });
});

describe('tryCudaSession', () => {
  it('tells on this machine that the provider is missing, or that it works', async () => {
    const problem = await tryCudaSession(systemProbes(process.env));
    expect(problem ?? 'libonnxruntime_providers').toContain('libonnxruntime_providers');
  });

  it('prefers the line that names the library over the exception', async () => {
    const stderr = 'FAIL : Failed to load library x.so with error: libcudnn.so.9: cannot open\n';
    const stdout = '{"ok":false,"problem":"Failed to load shared library"}\n';
    const programs = { [process.execPath]: { exitCode: 1, stdout, stderr } };
    expect(await tryCudaSession(fakeProbes({ programs }))).toBe('libcudnn.so.9: cannot open');
  });
});

describe('checkGpu', () => {
  const states = async (...args: Parameters<typeof checkGpu>) => {
    const { findings, canUseCuda } = await checkGpu(...args);
    return [canUseCuda, ...findings.map(({ check, state }) => `${check}: ${state}`)];
  };

  it('is content without a GPU when the device is chosen automatically', async () => {
    expect(await states(fakeProbes(), { device: 'auto' }, notInstalled)).toEqual([
      false,
      'gpu: ok',
    ]);
  });

  it('does not look for a GPU when the CPU is asked for', async () => {
    const probes = fakeProbes({ programs: { 'nvidia-smi': { stdout: ONE_GPU } } });
    expect(await states(probes, { device: 'cpu' }, notInstalled)).toEqual([false, 'gpu: ok']);
  });

  it('warns of an unused GPU, and calls it a fault when CUDA is asked for', async () => {
    const probes = fakeProbes({ programs: { 'nvidia-smi': { stdout: ONE_GPU }, ...linker } });
    const prepared = ['platform: ok', 'driver: ok'];
    expect(await states(probes, { device: 'auto' }, notInstalled)).toEqual([
      false,
      ...prepared,
      'provider: warning',
      'libraries: ok',
    ]);
    expect(await states(probes, { device: 'cuda' }, notInstalled)).toEqual([
      false,
      ...prepared,
      'provider: fault',
      'libraries: ok',
    ]);
  });

  it('refuses a driver that is older than CUDA 12', async () => {
    const old = ONE_GPU.replace('560.35.03', '470.10');
    const probes = fakeProbes({ programs: { 'nvidia-smi': { stdout: old }, ...linker } });
    expect(await states(probes, { device: 'cuda' }, installed)).toContain('driver: fault');
  });

  it('says that CUDA can be used only after a session has run', async () => {
    const programs = { 'nvidia-smi': { stdout: ONE_GPU }, ...linker, ...session };
    const report = await checkGpu(fakeProbes({ programs }), { device: 'auto' }, installed);
    expect(report.canUseCuda).toBe(true);
    expect(report.findings.at(-1)).toMatchObject({ check: 'session', state: 'ok' });
  });

  it('sends a Windows user into WSL2', async () => {
    const probes = fakeProbes({
      platform: 'win32',
      programs: { 'nvidia-smi': { stdout: ONE_GPU } },
    });
    const { findings } = await checkGpu(probes, { device: 'cuda' }, notInstalled);
    expect(findings[0]).toMatchObject({ state: 'fault', action: 'Run the service inside WSL2.' });
  });
});
