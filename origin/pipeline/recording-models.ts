/**
 * The models beside Whisper that recordings are looked at with, as the settings name them: what they take, and how their
 * answers are to be read. Asked anew for every recording, so that a model pulled meanwhile is found.
 */
import { ModelError } from '#models/model-error.ts';
import { findForPart, type ModelPart, type PartFault } from '#models/model-parts.ts';
import { MODELS } from '#models/registry.ts';
import { readSegmentationLayout } from '#models/segmentation-layout.ts';
import type { BuiltModelDir, ModelStore } from '#models/store.ts';
import type { OriginConfig } from '#origin/config.ts';
import { diarizeOptionsFor } from '#origin/diarize/calibrations.ts';
import type { DiarizeOptions } from '#origin/diarize/options.ts';
import { SAMPLE_RATE, type WindowGeometry, windowOf } from '#origin/vad/frame-grid.ts';
import { DEFAULT_VAD_OPTIONS } from '#origin/vad/options.ts';
import type { SttError } from '#shared/errors.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface RecordingModels {
  /** Windows of the segmentation model. Without it nothing is found in a recording. */
  window(): Result<WindowGeometry, SttError>;
  /** How voices are told apart by the speaker encoder. */
  diarization(): Result<DiarizeOptions, SttError>;
  /** What an operator has to set right. */
  faults(): SettingFault[];
}

/** A setting that names a model which cannot be used. */
export interface SettingFault {
  readonly setting: 'SEGMENTATION_MODEL' | 'SPEAKER_MODEL';
  readonly model: string;
  /** One sentence without a full stop; may name files. */
  readonly message: string;
  readonly action: string;
}

type ModelSettings = Pick<OriginConfig, 'segmentationModel' | 'speakerModel'>;

/** Names of the models that the settings choose; those that come with the project where they say nothing. */
export function modelNames(config: ModelSettings): Readonly<Record<ModelPart, string>> {
  return {
    segmentation: config.segmentationModel ?? EMBEDDED.segmentation,
    encoder: config.speakerModel ?? EMBEDDED.encoder,
  };
}

export function openRecordingModels(store: ModelStore, config: ModelSettings): RecordingModels {
  const names = modelNames(config);
  const layouts = new Map<string, WindowGeometry>();
  const readWindow = (): Result<WindowGeometry, PartFault> => {
    const built = findForPart(store, 'segmentation', names.segmentation);
    if (!built.ok) return built;
    const key = JSON.stringify(built.value.manifest.files);
    const known = layouts.get(key);
    if (known !== undefined) return ok(known);
    const window = windowFrom(built.value);
    if (window.ok) layouts.set(key, window.value);
    return window;
  };
  const readCalibration = (): Result<DiarizeOptions, PartFault> => {
    const built = findForPart(store, 'encoder', names.encoder);
    if (!built.ok) return built;
    const options = diarizeOptionsFor(built.value.manifest.architecture);
    const message = `no thresholds are known for the model "${names.encoder}"`;
    return options === null ? fail({ reason: 'wrong-kind', message }) : ok(options);
  };
  return {
    window: () => forRequests(readWindow(), names.segmentation, 'find speech'),
    diarization: () => forRequests(readCalibration(), names.encoder, 'tell voices apart'),
    faults: () => [
      ...faultOf('segmentation', names.segmentation, readWindow()),
      ...faultOf('encoder', names.encoder, readCalibration()),
    ],
  };
}

const EMBEDDED = { segmentation: 'segmentation', encoder: 'speaker' } as const;
const SETTINGS = { segmentation: 'SEGMENTATION_MODEL', encoder: 'SPEAKER_MODEL' } as const;
const KINDS = { segmentation: 'segmentation', encoder: 'speaker-encoder' } as const;

/** Longer windows than this would hold a chunk of Whisper's back. */
const MAX_WINDOW_SECONDS = 30;

/** Frames that lie on the grid of this project, in windows that overlap. */
function windowFrom({ dir, manifest }: BuiltModelDir): Result<WindowGeometry, PartFault> {
  try {
    const layout = readSegmentationLayout(dir);
    const window = windowOf(layout.windowSamples);
    const seconds = layout.windowSamples / SAMPLE_RATE;
    const isLongEnough = seconds >= 2 * DEFAULT_VAD_OPTIONS.hopSeconds;
    const isOnGrid = window.windowFrames === layout.windowFrames;
    if (isOnGrid && isLongEnough && seconds <= MAX_WINDOW_SECONDS) return ok(window);
    const found = `${layout.windowFrames} frames in windows of ${seconds} s`;
    return fail({ reason: 'broken', message: `the model "${manifest.name}" gives ${found}` });
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return fail({ reason: 'broken', message: error.message.replace(/\.$/, '') });
  }
}

function forRequests<Value>(
  found: Result<Value, PartFault>,
  model: string,
  task: string,
): Result<Value, SttError> {
  return found.ok ? found : fail({ kind: 'model_unavailable', model, task });
}

function faultOf(
  part: ModelPart,
  model: string,
  found: Result<unknown, PartFault>,
): SettingFault[] {
  if (found.ok) return [];
  const { reason, message } = found.error;
  return [{ setting: SETTINGS[part], model, message, action: actionFor(part, model, reason) }];
}

function actionFor(part: ModelPart, model: string, reason: PartFault['reason']): string {
  if (model === EMBEDDED[part]) {
    return 'Bring back the folder models/embedded, e.g. with: git checkout -- models/embedded';
  }
  const registered = MODELS.filter(({ kind }) => kind === KINDS[part]).map(({ name }) => name);
  if (reason !== 'wrong-kind' && registered.includes(model)) {
    return `Run: npm run models -- pull ${model}`;
  }
  const names = [EMBEDDED[part], ...registered].join(', ');
  return `Set ${SETTINGS[part]} to one of: ${names}; or build a model of that name from a folder`;
}
