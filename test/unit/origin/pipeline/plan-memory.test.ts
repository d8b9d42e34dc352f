import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';
import { type MemoryPlanTools, planMemory } from '#origin/pipeline/plan-memory.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const makeDir = useTempDirs();
const GPU = { id: 'GPU-1', kind: 'gpu' } as const;
const RAM = { id: 'ram', kind: 'ram' } as const;

/** With the models that come along, and those named: each of one file of 1,000,000 bytes. */
function tools(
  builds: readonly [name: string, target: ModelTarget][] = [],
  given: Partial<MemoryPlanTools> = {},
): MemoryPlanTools {
  const modelsDir = makeDir();
  for (const [name, target] of builds) {
    const dir = join(modelsDir, 'built', name, target);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'weights.bin'), Buffer.alloc(1e6));
    const files = [{ name: 'weights.bin', bytes: 1e6, sha256: '0'.repeat(64) }];
    const manifest = { name, target, builderVersion: 1, architecture: 'whisper', languages: [] };
    writeFileSync(join(dir, 'manifest.json'), JSON.stringify({ ...manifest, source: null, files }));
  }
  return {
    store: openStore(modelsDir),
    settings: { device: 'auto', computeType: 'auto' },
    ...{ batchSize: 4, cpuModels: ['segmentation', 'speaker'] },
    ...given,
  };
}

describe('planMemory', () => {
  it('plans the build for the CPU in RAM, by model, target and batch', () => {
    const plan = planMemory('base', RAM, tools());
    expect(plan).toMatchObject({ device: 'ram', target: 'cpu x4' });
    expect(plan?.mib).toBeGreaterThan(300);
    expect(plan?.mib).toBeLessThan(700);
    const larger = planMemory('base', RAM, tools([], { batchSize: 8 }));
    expect(larger?.mib).toBeGreaterThan(plan?.mib ?? 0);
  });

  it('plans the build for CUDA on a GPU', () => {
    const plan = planMemory('large-v3', GPU, tools([['large-v3', 'cuda-f16']], { batchSize: 16 }));
    expect(plan).toMatchObject({ device: 'GPU-1', target: 'cuda-f16 x16' });
    // 3.1 GB of weights, 600 MB of runtime, and the batch.
    expect(plan?.mib).toBeGreaterThan(5000);
    expect(plan?.mib).toBeLessThan(12_000);
  });

  it('plans nothing of a GPU for what runs on the CPU', () => {
    expect(planMemory('base', GPU, tools())).toBeNull();
    expect(planMemory('segmentation', GPU, tools())).toBeNull();
    const builds: [string, ModelTarget][] = [['large-v3', 'cuda-f16']];
    const settings = { device: 'cpu', computeType: 'auto' } as const;
    expect(planMemory('large-v3', GPU, tools(builds, { settings }))).toBeNull();
  });

  it('plans small models in RAM, whatever the batch', () => {
    expect(planMemory('segmentation', RAM, tools())).toMatchObject({ device: 'ram' });
    expect(planMemory('speaker', RAM, tools())?.mib).toBeLessThan(200);
  });

  it('plans a model that no registry knows by its files', () => {
    const unknown: [string, ModelTarget][] = [['our-own', 'cpu']];
    expect(planMemory('our-own', RAM, tools(unknown))).toMatchObject({ mib: 98 });
  });

  it('plans nothing for a model that is not installed: loading it says so', () => {
    expect(planMemory('none', RAM, tools())).toBeNull();
    expect(planMemory('../x', RAM, tools())).toBeNull();
  });
});
