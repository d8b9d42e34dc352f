/** The libraries of CUDA 12 and cuDNN 9 that onnxruntime's CUDA provider loads. */
import { join } from 'node:path';
import type { Probes } from '#origin/cli/checks/probes.ts';

/** By soname: what onnxruntime 1.19 and later link to on Linux with CUDA 12. */
export const CUDA_LIBRARIES = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcurand.so.10',
  'libcufft.so.11',
  'libcudnn.so.9',
] as const;

/** The libraries that the dynamic linker would not find. With the provider's file at hand, the linker itself is asked. */
export async function missingCudaLibraries(
  probes: Probes,
  providerFile: string | null,
): Promise<readonly string[]> {
  const linked = providerFile === null ? null : await probes.run('ldd', [providerFile]);
  if (linked !== null && linked.exitCode === 0) {
    return [...linked.stdout.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name ?? '');
  }
  const known = await linkerCache(probes);
  const folders = (probes.environment['LD_LIBRARY_PATH'] ?? '').split(':').filter(Boolean);
  return CUDA_LIBRARIES.filter((name) => {
    return !known.has(name) && !folders.some((folder) => probes.exists(join(folder, name)));
  });
}

/** What to install for them, on Debian and Ubuntu with NVIDIA's package source. */
export function packagesFor(missing: readonly string[]): readonly string[] {
  const packages = missing.map((name) => PACKAGE_OF[name] ?? 'cuda-toolkit-12');
  return [...new Set(packages)];
}

const PACKAGE_OF: Readonly<Record<string, string>> = { 'libcudnn.so.9': 'libcudnn9-cuda-12' };

async function linkerCache(probes: Probes): Promise<ReadonlySet<string>> {
  // Not in PATH for ordinary users of some distributions.
  const result =
    (await probes.run('ldconfig', ['-p'])) ?? (await probes.run('/sbin/ldconfig', ['-p']));
  const names = [...(result?.stdout ?? '').matchAll(/^\s*(\S+\.so\S*) \(/gm)];
  return new Set(names.map(([, name]) => name ?? ''));
}
