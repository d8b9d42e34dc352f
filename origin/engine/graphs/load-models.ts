/** How each kind of model is loaded. */
import { join } from 'node:path';
import { readWhisperConfig, type WhisperConfig } from '#models/architectures/whisper-config.ts';
import { SEGMENTATION_FILE } from '#models/embed.ts';
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

/** Small, and faster on the CPU than a copy to the GPU and back would be. */
export function loadSegmentation(name: string, settings: LoadSettings): Promise<SegmentationGraph> {
  const { dir } = builtForCpu(name, settings);
  return openSegmentationGraph(join(dir, SEGMENTATION_FILE), sessionOptions(settings, 'cpu'));
}

export function loadSpeakerEncoder(name: string, settings: LoadSettings): Promise<SpeakerGraph> {
  const { dir } = builtForCpu(name, settings);
  return openSpeakerGraph({ dir, threads: settings.threads });
}

/** What an installed model is, e.g. `whisper`; null where there is none of that name. */
export function architectureOf(name: string, settings: LoadSettings): string | null {
  const built = buildChoices(settings).map(({ target }) => findBuilt(settings.store, name, target));
  return built.find((it) => it !== undefined)?.manifest.architecture ?? null;
}

function builtForCpu(name: string, { store }: LoadSettings): BuiltModelDir {
  const built = findBuilt(store, name, 'cpu') ?? findBuilt(store, name, 'cpu-f32');
  if (!built) throw new Error(`the model "${name}" is missing`);
  return built;
}
