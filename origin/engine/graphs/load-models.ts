/** How each kind of model is loaded. */
import { join } from 'node:path';
import { readWhisperConfig, type WhisperConfig } from '#models/architectures/whisper-config.ts';
import { findForPart, type ModelPart } from '#models/model-parts.ts';
import { SEGMENTATION_FILE } from '#models/segmentation-layout.ts';
import { type BuiltModelDir, findBuilt } from '#models/store.ts';
import { buildChoices } from './choose-build.ts';
import { type CtcGraph, openCtcGraph } from './ctc-graph.ts';
import { type Loaded, type LoadSettings, loadBuild, sessionOptions } from './load-build.ts';
import { openSegmentationGraph, type SegmentationGraph } from './segmentation-graph.ts';
import { openSpeakerGraph, type SpeakerGraph } from './speaker-graph.ts';
import { openWhisperGraphs, type WhisperGraphs } from './whisper-graphs.ts';

/** Names of the models that every recording is looked at with. */
export interface EngineModels {
  readonly segmentationModel: string;
  readonly speakerModel: string;
}

export interface Whisper {
  readonly graphs: WhisperGraphs;
  readonly config: WhisperConfig;
}

export function loadWhisper(name: string, settings: LoadSettings): Promise<Loaded<Whisper>> {
  return loadBuild(name, settings, async ({ dir }, options) => {
    const config = readWhisperConfig(dir);
    return { graphs: await openWhisperGraphs(dir, options, config.vocabularySize), config };
  });
}

export function loadAligner(name: string, settings: LoadSettings): Promise<Loaded<CtcGraph>> {
  return loadBuild(name, settings, ({ dir: folder }, session, provider) =>
    openCtcGraph({ folder, session, provider }),
  );
}

/**
 * Small, and faster on the CPU than a copy to the GPU and back would be.
 * @throws Error where the model is not installed or of another kind
 */
export async function loadSegmentation(
  name: string,
  settings: LoadSettings,
): Promise<SegmentationGraph> {
  const { dir } = modelFor('segmentation', name, settings);
  return openSegmentationGraph(join(dir, SEGMENTATION_FILE), sessionOptions(settings, 'cpu'));
}

/** @throws Error where the model is not installed or of another kind */
export async function loadSpeakerEncoder(
  name: string,
  settings: LoadSettings,
): Promise<SpeakerGraph> {
  const { dir } = modelFor('encoder', name, settings);
  return openSpeakerGraph({ dir, threads: settings.threads });
}

/** What an installed model is, e.g. `whisper`; null where there is none of that name. */
export function architectureOf(name: string, settings: LoadSettings): string | null {
  const built = buildChoices(settings).map(({ target }) => findBuilt(settings.store, name, target));
  return built.find((it) => it !== undefined)?.manifest.architecture ?? null;
}

function modelFor(part: ModelPart, name: string, { store }: LoadSettings): BuiltModelDir {
  const found = findForPart(store, part, name);
  if (!found.ok) throw new Error(found.error.message);
  return found.value;
}
