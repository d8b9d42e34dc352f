/** That onnxruntime loads and computes on this processor, shown on a small model. */
import { tryProvider } from '#origin/cli/checks/cuda-provider.ts';
import { type Finding, fault, ok } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';

export async function checkEngineRuntime(probes: Probes): Promise<Finding> {
  const problem = await tryProvider(probes, 'cpu');
  if (problem === null) return ok('onnxruntime', 'a small model ran on the CPU');
  const action = 'Run npm ci again. On Linux it needs glibc 2.28 or later, so not Alpine.';
  return fault('onnxruntime', `a small model could not run on the CPU: ${problem}`, action);
}
