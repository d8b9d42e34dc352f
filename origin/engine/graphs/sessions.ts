/** The engine's calls over onnxruntime sessions. Runs in the engine's own process, since a run blocks its thread. */
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { readWhisperConfig, type WhisperConfig } from '#models/architectures/whisper-config.ts';
import { SEGMENTATION_FILE } from '#models/embed.ts';
import { findBuilt, type ModelStore } from '#models/store.ts';
import type { EngineImplementation } from '../messages.ts';
import type { AudioSpan, LoadResult } from '../protocol.ts';
import { type BuildChoice, buildChoices, type DeviceSettings } from './choose-build.ts';
import { FeatureCache } from './feature-cache.ts';
import { readSpan } from './read-span.ts';
import { openSegmentationGraph, type SegmentationGraph } from './segmentation-graph.ts';
import { type AudioFeatures, openWhisperGraphs, type WhisperGraphs } from './whisper-graphs.ts';

export interface EngineSettings extends DeviceSettings {
  readonly store: ModelStore;
  /** Threads of one call. */
  readonly threads: number;
  /** Most chunks whose audio features are kept. */
  readonly cachedChunks: number;
}

interface LoadedModel {
  readonly graphs: WhisperGraphs;
  readonly config: WhisperConfig;
  readonly result: LoadResult;
}

export function createEngineCalls(settings: EngineSettings): EngineImplementation {
  const models = new Map<string, LoadedModel>();
  const features = new FeatureCache(settings.cachedChunks);
  let segmentation: SegmentationGraph | null = null;

  const modelOf = async (name: string): Promise<LoadedModel> => {
    const model = models.get(name) ?? (await loadModel(name, settings));
    models.set(name, model);
    return model;
  };
  const featuresOf = async (name: string, spans: readonly AudioSpan[]) => {
    const { graphs } = await modelOf(name);
    const missing = spans.filter((span) => !features.get(name, span));
    const encoded = missing.length > 0 ? await graphs.encode(missing.map(readSpan)) : [];
    const fresh = new Map(missing.map((span, i) => [span, encoded[i]]));
    return spans.map((span): AudioFeatures => {
      const found = features.get(name, span) ?? fresh.get(span);
      if (!found) throw new Error('the encoder gave fewer features than chunks');
      features.put(name, span, found);
      return found;
    });
  };

  return {
    async load({ model }) {
      return (await modelOf(model)).result;
    },
    async segment({ windows }) {
      segmentation ??= await loadSegmentation(settings);
      return segmentation.segment(windows.map(readSpan));
    },
    async encode({ model, spans }) {
      await featuresOf(model, spans);
    },
    async detectLanguage({ model, spans }) {
      const { graphs, config } = await modelOf(model);
      const sot = config.endToken + 1;
      return {
        languages: config.languages.map(({ code }) => code),
        probabilities: await graphs.languageProbabilities(await featuresOf(model, spans), sot),
      };
    },
    async decode({ model, items, search }) {
      const { graphs } = await modelOf(model);
      return graphs.decode({
        features: await featuresOf(
          model,
          items.map(({ span }) => span),
        ),
        prompts: items.map(({ promptIds }) => promptIds),
        samplings: items.map(({ sampling = search }) => sampling),
        sotIndex: items[0]?.sotIndex ?? 0,
        search,
      });
    },
    unload() {
      models.clear();
      features.clear();
      segmentation = null;
    },
  };
}

/** Tries the builds that suit the settings, best first; says why a better one was not taken. */
async function loadModel(name: string, settings: EngineSettings): Promise<LoadedModel> {
  const started = performance.now();
  const refused: string[] = [];
  for (const choice of buildChoices(settings)) {
    const built = findBuilt(settings.store, name, choice.target);
    if (!built) {
      // Most machines have no GPU build and never asked for one: nothing to report.
      const isWanted = choice.provider === 'cpu' || settings.device === 'cuda';
      if (isWanted) refused.push(`${choice.provider}: no "${choice.target}" build is installed`);
      continue;
    }
    try {
      const config = readWhisperConfig(built.dir);
      const options = sessionOptions(settings, choice.provider);
      const graphs = await openWhisperGraphs(built.dir, options, config.vocabularySize);
      const loadSeconds = (performance.now() - started) / 1000;
      const note = refused.length > 0 ? refused.join('; ') : null;
      return {
        graphs,
        config,
        result: { model: name, device: choice.provider, loadSeconds, note },
      };
    } catch (error) {
      if (choice.provider === 'cpu') throw error;
      refused.push(`${choice.provider}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`model "${name}" cannot be loaded (${refused.join('; ')})`);
}

/** Small, and faster on the CPU than a copy to the GPU and back would be. */
function loadSegmentation(settings: EngineSettings): Promise<SegmentationGraph> {
  const built = findBuilt(settings.store, 'segmentation', 'cpu');
  if (!built) throw new Error('the segmentation model is missing from models/embedded');
  return openSegmentationGraph(join(built.dir, SEGMENTATION_FILE), sessionOptions(settings, 'cpu'));
}

function sessionOptions(
  { threads }: EngineSettings,
  provider: BuildChoice['provider'],
): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // A plan for each new shape would keep 300 MB more: batches and texts differ in length every time.
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
}
