/** The models on the disk: those that are there are whole, and the default one can be loaded. */
import { ModelError } from '#models/model-error.ts';
import { MODELS, sizesOf } from '#models/registry.ts';
import { type BuiltModelDir, findBuilt, listInstalled, type ModelStore } from '#models/store.ts';
import { isIntact, type VerifyReport, verifyModels } from '#models/verify.ts';
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { MemoryNeed } from '#origin/cli/checks/runtime.ts';
import type { OriginConfig } from '#origin/config.ts';
import { buildChoices } from '#origin/engine/graphs/choose-build.ts';
import { modelNames, openRecordingModels } from '#origin/pipeline/recording-models.ts';
import { SAMPLE_RATE } from '#origin/vad/frame-grid.ts';

/** Reads every file of every model again. */
export async function checkModelFiles(store: ModelStore): Promise<Finding[]> {
  const installed = listInstalled(store);
  const unreadable = installed.problems.map((problem) =>
    fault('models', withoutStop(problem), 'Pull or build the model again.'),
  );
  const reports = await verifyModels(installed);
  const broken = reports.filter((report) => !isIntact(report)).map(describeBroken);
  const intact = reports.filter(isIntact).map(nameOf);
  const whole = intact.length > 0 ? [ok('models', `hashes right: ${intact.join(', ')}`)] : [];
  return [...whole, ...broken, ...unreadable, ...checkAlwaysUsed(store)];
}

export interface DefaultModel {
  readonly finding: Finding;
  /** Null where the model is unknown to the registry, so that nothing can be said of its size. */
  readonly need: MemoryNeed | null;
}

type ModelSettings = Pick<OriginConfig, 'whisperModel' | 'device' | 'computeType'>;

/**
 * The model that requests without `model` get.
 * @param canUseCuda a session on CUDA was opened on this machine
 */
export function checkDefaultModel(
  store: ModelStore,
  config: ModelSettings,
  canUseCuda: boolean,
): DefaultModel {
  const name = defaultModelName(store, config);
  const choices = buildChoices(config);
  const usable = choices.find(({ provider, target }) => {
    return (provider === 'cpu' || canUseCuda) && findIntact(store, name, target) !== undefined;
  });
  if (usable === undefined) {
    const target = choices.find(({ provider }) => provider === 'cpu' || canUseCuda)?.target;
    const action = `Run: npm run models -- pull ${name} --target ${target ?? 'cpu'}`;
    const message = `the default model "${name}" is not built for what this machine can use`;
    return { finding: fault('default model', message, action), need: null };
  }
  const { provider, target } = usable;
  const entry = MODELS.find((model) => model.name === name);
  const bytes = entry && sizesOf(entry).memoryBytes[provider === 'cpu' ? target : 'cpu'];
  return {
    finding: describeChoice({ name, provider, target }, config, canUseCuda),
    need: bytes === undefined ? null : { model: name, bytes },
  };
}

/** The models that find speech and tell voices apart, as SEGMENTATION_MODEL and SPEAKER_MODEL name them. */
export function checkRecordingModels(
  store: ModelStore,
  config: Pick<OriginConfig, 'segmentationModel' | 'speakerModel'>,
): Finding[] {
  const models = openRecordingModels(store, config);
  const names = modelNames(config);
  const [window, diarization] = [models.window(), models.diarization()];
  const faults = models.faults().map(({ setting, model, message, action }) => {
    return fault('models', `${setting}=${model}: ${message}`, action);
  });
  if (!window.ok) return faults;
  const seconds = window.value.windowSamples / SAMPLE_RATE;
  const found = [`${names.segmentation} finds speech, in windows of ${seconds} s`];
  if (diarization.ok) found.push(`${names.encoder} tells voices apart`);
  return [ok('models', found.join('; ')), ...faults];
}

/** As the pipeline chooses it when WHISPER_MODEL is not set. */
export function defaultModelName(store: ModelStore, config: ModelSettings): string {
  const usesGpu =
    config.device !== 'cpu' && findIntact(store, 'large-v3', 'cuda-f16') !== undefined;
  return config.whisperModel ?? (usesGpu ? 'large-v3' : 'base');
}

interface Chosen {
  readonly name: string;
  readonly provider: string;
  readonly target: string;
}

function describeChoice(chosen: Chosen, config: ModelSettings, canUseCuda: boolean): Finding {
  const { name, provider, target } = chosen;
  const found = `${name}, built for ${target}, runs on ${provider}`;
  if (canUseCuda && config.device !== 'cpu' && provider !== 'cuda') {
    const action = `To use the GPU, run: npm run models -- pull ${name} --target cuda-f16`;
    return warning('default model', found, action);
  }
  return ok('default model', found);
}

/** Models that every recording needs, or every one with speakers. */
function checkAlwaysUsed(store: ModelStore): Finding[] {
  return ALWAYS_USED.filter(({ name }) => findIntact(store, name, 'cpu') === undefined).map(
    ({ what }) =>
      fault('models', `the model that ${what} is missing from models/embedded`, RESTORE),
  );
}

const ALWAYS_USED = [
  { name: 'segmentation', what: 'finds speech' },
  { name: 'speaker', what: 'tells voices apart' },
];

const RESTORE = 'Bring back the folder models/embedded, e.g. with: git checkout -- models/embedded';

function describeBroken(report: VerifyReport): Finding {
  const faults = report.files.filter(({ state }) => state !== 'ok');
  const files = faults.map(({ name, state }) => `${name}: ${state}`).join(', ');
  const again = `Run: npm run models -- pull ${report.name}`;
  return fault('models', `${nameOf(report)}: ${files}`, report.isEmbedded ? RESTORE : again);
}

function nameOf({ name, kind, isEmbedded }: VerifyReport): string {
  return `${name} (${kind}${isEmbedded ? ', embedded' : ''})`;
}

/** One with a broken manifest or file counts as absent here; `checkModelFiles` says what is wrong with it. */
function findIntact(...args: Parameters<typeof findBuilt>): BuiltModelDir | undefined {
  try {
    return findBuilt(...args);
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
