/** onnxruntime's CUDA provider: its files, and whether a session can be opened with it. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Probes } from '#origin/cli/checks/probes.ts';

/** Not in the npm package; its install script fetches them. */
export const PROVIDER_FILES = [
  'libonnxruntime_providers_cuda.so',
  'libonnxruntime_providers_shared.so',
] as const;

export interface Provider {
  /** onnxruntime-node's own folder. */
  readonly packageDir: string;
  /** Where the provider's files belong. */
  readonly dir: string;
  readonly missing: readonly string[];
}

export function findProvider(probes: Probes, packageDir = onnxruntimeDir()): Provider {
  const dir = join(packageDir, 'bin', 'napi-v6', probes.platform, probes.arch);
  const missing = PROVIDER_FILES.filter((name) => !probes.exists(join(dir, name)));
  return { packageDir, dir, missing };
}

/** The file that decides which libraries are needed; null where it is not installed. */
export function providerFile({ dir, missing }: Provider): string | null {
  const [name] = PROVIDER_FILES;
  return missing.includes(name) ? null : join(dir, name);
}

/**
 * Opens a session on CUDA and runs it, in a process of its own: a broken provider can end it.
 * @returns null when it worked, else the reason
 */
export function tryCudaSession(probes: Probes): Promise<string | null> {
  return tryProvider(probes, 'cuda');
}

/** The same on any of onnxruntime's providers. */
export async function tryProvider(
  probes: Probes,
  provider: 'cuda' | 'cpu',
): Promise<string | null> {
  const script = fileURLToPath(new URL('../cuda/try-session.ts', import.meta.url));
  const flags = ['--disable-warning=ExperimentalWarning'];
  const result = await probes.run(process.execPath, [...flags, script, provider]);
  if (result === null) return 'the test program was ended before it answered';
  const answer = parseAnswer(result.stdout);
  if (answer?.ok === true) return null;
  return firstReason(result.stderr) ?? answer?.problem ?? `exit code ${result.exitCode}`;
}

/** The last line of `try-session.ts`. */
export const TrySessionAnswer = z.object({ ok: z.boolean(), problem: z.string().optional() });

function parseAnswer(stdout: string): z.infer<typeof TrySessionAnswer> | null {
  try {
    return TrySessionAnswer.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  } catch {
    return null;
  }
}

/** onnxruntime's exception says little; its log line names the library. */
function firstReason(stderr: string): string | null {
  return /with error: (.+)/.exec(stderr)?.[1]?.trim().slice(0, 300) ?? null;
}

function onnxruntimeDir(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  return dirname(dirname(entry));
}
