import { systemClock } from '#origin/engine/clock.ts';
import type { EngineProcess } from '#origin/engine/engine-process.ts';
import type { EngineSettings } from '#origin/engine/graphs/sessions.ts';
import type { Logger } from '#origin/logger.ts';
import { EngineLeases } from '#origin/pipeline/engine-leases.ts';
import { planMemory } from '#origin/pipeline/plan-memory.ts';
import type { Vram } from '#origin/vram/open-vram.ts';

/** The leases of an engine's models; null without a ledger. */
export function openEngineLeases(
  vram: Pick<Vram, 'manager' | 'local'> | undefined,
  tools: {
    readonly engine: EngineProcess;
    readonly settings: EngineSettings;
    readonly batchSize: number;
    /** RAM is shared out because the settings say so, and not for want of a GPU. */
    readonly isRamShared: boolean;
    readonly logger: Logger;
  },
): EngineLeases | null {
  if (vram === undefined) return null;
  const { engine, settings, batchSize, isRamShared, logger } = tools;
  const { store, segmentationModel, speakerModel } = settings;
  const cpuModels = [segmentationModel, speakerModel];
  return new EngineLeases({
    ...{ vram, engine, logger, clock: { ...systemClock, now: Date.now } },
    plan: (model, device) => {
      // A small machine without a GPU is to transcribe as long as it can, whatever a reserve would leave.
      if (device.kind === 'ram' && !isRamShared) return null;
      return planMemory(model, device, { store, settings, batchSize, cpuModels });
    },
    modelOf: (call) => {
      if (call === 'segment') return segmentationModel;
      return call === 'embedSpeakers' ? speakerModel : null;
    },
  });
}
