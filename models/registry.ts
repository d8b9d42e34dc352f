/** The models that can be installed by name: where their weights come from, how large they are, what they are for. */
import { ctcDiskBytes, ctcMemoryBytes, ctcParameterCount } from '#models/ctc-size.ts';
import { ModelError } from '#models/model-error.ts';
import { diskBytes, memoryBytes, parameterCount } from '#models/model-size.ts';
import { ALIGNER_MODELS } from '#models/registry/aligners.ts';
import type { ModelEntry, ModelKind } from '#models/registry/entry.ts';
import { SPEAKER_MODELS } from '#models/registry/speakers.ts';
import { WHISPER_MODELS } from '#models/registry/whisper.ts';
import { MODEL_TARGETS, type ModelTarget } from '#models/target.ts';

/** Of all kinds. */
export const MODELS: readonly ModelEntry[] = [
  ...WHISPER_MODELS,
  ...ALIGNER_MODELS,
  ...SPEAKER_MODELS,
];

type EntryOf<K extends ModelKind> = Extract<ModelEntry, { readonly kind: K }>;

/**
 * The entry with this name, alias or repository, in any case; with `kind`, only one of that kind.
 * @throws ModelError `unknown-model`, naming the known ones
 */
export function findModel<K extends ModelKind = ModelKind>(
  nameOrAlias: string,
  kind?: K,
): EntryOf<K> {
  const wanted = nameOrAlias.trim().toLowerCase();
  const known = MODELS.filter((entry): entry is EntryOf<K> => !kind || entry.kind === kind);
  const found = known.find((entry) => namesOf(entry).includes(wanted));
  if (found !== undefined) return found;
  const names = known.map(({ name }) => name).join(', ');
  const asked = JSON.stringify(nameOrAlias.slice(0, 100));
  throw new ModelError('unknown-model', `There is no model ${asked}. Known models: ${names}.`);
}

/** Name, aliases and repository, in lower case. */
export function namesOf(entry: ModelEntry): readonly string[] {
  return [entry.name, ...entry.aliases, entry.repository].map((name) => name.toLowerCase());
}

export interface ModelSizes {
  readonly parameters: number;
  readonly downloadBytes: number;
  readonly diskBytes: Readonly<Record<ModelTarget, number>>;
  readonly memoryBytes: Readonly<Record<ModelTarget, number>>;
}

/** Sizes by formula from the dimensions; `downloadBytes` is exact where the registry knows it. */
export function sizesOf(entry: ModelEntry): ModelSizes {
  const { weights } = entry;
  const formulas = formulasOf(entry);
  const perTarget = (bytes: (target: ModelTarget) => number) =>
    Object.fromEntries(MODEL_TARGETS.map((target) => [target, bytes(target)]));
  return {
    parameters: formulas.parameters,
    downloadBytes: weights.bytes ?? formulas.parameters * (weights.dtype === 'F16' ? 2 : 4),
    diskBytes: perTarget(formulas.disk) as Record<ModelTarget, number>,
    memoryBytes: perTarget(formulas.memory) as Record<ModelTarget, number>,
  };
}

interface SizeFormulas {
  readonly parameters: number;
  readonly disk: (target: ModelTarget) => number;
  readonly memory: (target: ModelTarget) => number;
}

/** The runtime alone, before any model. */
const RUNTIME_BYTES = 100e6;

function formulasOf(entry: ModelEntry): SizeFormulas {
  switch (entry.kind) {
    case 'whisper':
      return {
        parameters: parameterCount(entry.dimensions),
        disk: (target) => diskBytes(entry.dimensions, target),
        memory: (target) => memoryBytes(entry.dimensions, target),
      };
    case 'ctc-aligner':
      return {
        parameters: ctcParameterCount(entry.dimensions),
        disk: (target) => ctcDiskBytes(entry.dimensions, target),
        memory: (target) => ctcMemoryBytes(entry.dimensions, target),
      };
    // Small, and kept in float32 for every target.
    case 'speaker-encoder':
    case 'segmentation':
      return {
        parameters: entry.parameters,
        disk: () => 4 * entry.parameters,
        memory: () => RUNTIME_BYTES + 4 * entry.parameters,
      };
  }
}
