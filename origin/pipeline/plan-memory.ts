/** What a model will take, and of which device: estimates for leases. What was measured corrects them later. */
import { memoryBytes } from '#models/model-size.ts';
import { MODELS, sizesOf } from '#models/registry.ts';
import { type BuiltModelDir, findBuilt, type ModelStore } from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';
import { buildChoices, type DeviceSettings } from '#origin/engine/graphs/choose-build.ts';

export interface MemoryPlan {
  /** As the ledger knows it: the id of a GPU, or `ram`. */
  readonly device: string;
  /** How it runs, e.g. `cuda-f16 x16`: with the model's name the key of what was measured. */
  readonly target: string;
  readonly mib: number;
}

/** What the ledger shares out. */
export interface LeasedDevice {
  readonly id: string;
  readonly kind: 'gpu' | 'ram';
}

export interface MemoryPlanTools {
  readonly store: ModelStore;
  readonly settings: DeviceSettings;
  /** Chunks decoded together. */
  readonly batchSize: number;
  /** Models that run on the CPU whatever the settings say: they find speech and voices. */
  readonly cpuModels: readonly string[];
}

/**
 * Null: the model takes nothing of this device, since it runs on the CPU while GPUs are shared out; or it is not
 * installed, which loading it will say.
 */
export function planMemory(
  model: string,
  device: LeasedDevice,
  tools: MemoryPlanTools,
): MemoryPlan | null {
  const isPart = tools.cpuModels.includes(model);
  if (isPart && device.kind === 'gpu') return null;
  const built = findBuild(model, isPart ? ANY_TARGET : targetsOn(device.kind, tools), tools.store);
  if (built === null) return null;
  const { target } = built.manifest;
  // A build for the CPU that CUDA runs: the driver's context comes on top.
  const isGuest = device.kind === 'gpu' && target !== 'cuda-f16';
  const bytes = isPart
    ? partBytes(built)
    : modelBytes(built, tools.batchSize) + (isGuest ? CONTEXT_BYTES : 0);
  const mib = Math.ceil(bytes / BYTES_PER_MIB);
  return { device: device.id, target: isPart ? target : `${target} x${tools.batchSize}`, mib };
}

const ANY_TARGET: readonly ModelTarget[] = ['cpu', 'cpu-f32', 'cuda-f16'];
const BYTES_PER_MIB = 1024 * 1024;
const CONTEXT_BYTES = 500e6;
/** Kernels and arenas; with CUDA the driver's context. */
const RUNTIME_BYTES: Readonly<Record<ModelTarget, number>> = {
  ...{ cpu: 100e6, 'cpu-f32': 100e6, 'cuda-f16': 600e6 },
};
/** Weights, and what is computed with them, of a model that the registry does not know. */
const UNKNOWN_FACTOR = 2;
/** Small models, whose work is larger than they are. */
const PART_WORK_BYTES = 64e6;
const BEAM_WIDTH = 5;

/**
 * On a GPU only what would be loaded there first: when that fails, the model goes to the CPU and needs nothing. In RAM
 * whatever the CPU would run.
 */
function targetsOn(kind: 'gpu' | 'ram', { settings }: MemoryPlanTools): readonly ModelTarget[] {
  const wanted = kind === 'gpu' ? 'cuda' : 'cpu';
  const choices = buildChoices(settings).filter(({ provider }) => provider === wanted);
  return choices.map(({ target }) => target);
}

function findBuild(
  model: string,
  targets: readonly ModelTarget[],
  store: ModelStore,
): BuiltModelDir | null {
  try {
    for (const target of targets) {
      const built = findBuilt(store, model, target);
      if (built !== undefined) return built;
    }
  } catch {
    // A damaged model: loading it says what is wrong.
  }
  return null;
}

function modelBytes({ manifest }: BuiltModelDir, batchSize: number): number {
  const { name, target } = manifest;
  const entry = MODELS.find((known) => known.name === name);
  if (entry?.kind === 'whisper') {
    return memoryBytes(entry.dimensions, target, { batchSize, beamWidth: BEAM_WIDTH });
  }
  if (entry !== undefined) return sizesOf(entry).memoryBytes[target];
  return RUNTIME_BYTES[target] + UNKNOWN_FACTOR * fileBytes(manifest);
}

function partBytes({ manifest }: BuiltModelDir): number {
  return PART_WORK_BYTES + fileBytes(manifest);
}

function fileBytes({ files }: BuiltModelDir['manifest']): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
