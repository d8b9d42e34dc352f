/** The parts that models beside Whisper play in every recording, and which installed model may play them. */
import { ModelError } from '#models/model-error.ts';
import { type BuiltModelDir, findBuilt, type ModelStore } from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** `segmentation`: finds speech and changes of speaker. `encoder`: tells voices apart. */
export type ModelPart = 'segmentation' | 'encoder';

/** Architectures, as manifests have them, that can play a part. */
export const PART_ARCHITECTURES = {
  segmentation: ['pyannet', 'pyannote-segmentation'],
  encoder: ['ge2e', 'wespeaker-resnet34-lm'],
} as const satisfies Record<ModelPart, readonly string[]>;

/** Why a model cannot play a part. */
export interface PartFault {
  readonly reason: 'not-installed' | 'wrong-kind' | 'broken';
  /** One sentence without a full stop, for the operator; may name files. */
  readonly message: string;
}

/** All run on the CPU in float32, whatever they were built for. */
const TARGETS: readonly ModelTarget[] = ['cpu', 'cpu-f32', 'cuda-f16'];

/** The installed model of a name, if it can play the part. */
export function findForPart(
  store: ModelStore,
  part: ModelPart,
  name: string,
): Result<BuiltModelDir, PartFault> {
  const built = findAnyBuild(store, name);
  if (!built.ok) return built;
  const { architecture } = built.value.manifest;
  const known: readonly string[] = PART_ARCHITECTURES[part];
  if (known.includes(architecture)) return built;
  const message = `the model "${name}" is of the kind "${architecture}", which cannot ${TASKS[part]}`;
  return fail({ reason: 'wrong-kind', message });
}

function findAnyBuild(store: ModelStore, name: string): Result<BuiltModelDir, PartFault> {
  try {
    for (const target of TARGETS) {
      const built = findBuilt(store, name, target);
      if (built !== undefined) return ok(built);
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return fail({ reason: 'broken', message: error.message.replace(/\.$/, '') });
  }
  return fail({ reason: 'not-installed', message: `the model "${name}" is not installed` });
}

const TASKS: Readonly<Record<ModelPart, string>> = {
  segmentation: 'find speech',
  encoder: 'tell voices apart',
};
