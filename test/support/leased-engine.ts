/** The leases of an engine that is played, on the ledger of a `VramWorld`. */
import type { EngineAnswer } from '#origin/engine/engine-process.ts';
import { EngineLeases, type EngineUse } from '#origin/pipeline/engine-leases.ts';
import type { VramWorld } from '#test/support/vram-world.ts';

export interface LeasedEngine {
  readonly leases: EngineLeases;
  /** Process id; null without a process. */
  pid: number | null;
  /** How often somebody had it ended. */
  unloads: number;
  /** Answers a call of this model, by which it was loaded. @param rssMib of the process afterwards */
  answer(model: string, rssMib: number): void;
  /** Waits for its memory. */
  use(models: readonly string[], signal?: AbortSignal): Promise<EngineUse>;
}

/**
 * @param sizes what each model is thought to take, in MiB. A model without one takes nothing of the device, those that
 * begin with `cpu` nothing of a GPU.
 */
export function leasedEngine(
  world: VramWorld,
  sizes: Readonly<Record<string, number>>,
): LeasedEngine {
  const { manager, local, clock, logger } = world;
  const state: Pick<LeasedEngine, 'pid' | 'unloads'> = { pid: null, unloads: 0 };
  const leases = new EngineLeases({
    ...{ vram: { manager, local }, clock, logger },
    engine: {
      unload: async () => {
        state.unloads += 1;
        state.pid = null;
        world.processes = [];
      },
      status: () => state,
    },
    plan: (model, { id, kind }) => {
      const mib = kind === 'gpu' && model.startsWith('cpu') ? undefined : sizes[model];
      return mib === undefined ? null : { device: id, target: 'x', mib };
    },
    modelOf: (call) => (call === 'segment' ? 'segmentation' : null),
  });
  return Object.assign(state, {
    leases,
    answer: (model: string, rssMib: number) => {
      state.pid ??= 77;
      world.processes = [{ pid: state.pid, device: 'ram', usedMib: rssMib }];
      const answer = { pid: state.pid, rssBytes: rssMib * 1024 * 1024 };
      const isPart = model === 'segmentation';
      const call: EngineAnswer['call'] = isPart ? 'segment' : 'decode';
      leases.answered({ call, model: isPart ? null : model, ...answer });
    },
    use: (models: readonly string[], signal = new AbortController().signal) =>
      leases.use(models, signal),
  });
}
