/** The engine's calls over onnxruntime sessions. Runs in the engine's own process, since a run blocks its thread. */
import type { EngineImplementation } from '../messages.ts';
import type { AudioSpan, VoiceSample } from '../protocol.ts';
import { FeatureCache } from './feature-cache.ts';
import type { LoadSettings } from './load-build.ts';
import {
  architectureOf,
  type EngineModels,
  loadAligner,
  loadSegmentation,
  loadSpeakerEncoder,
  loadWhisper,
} from './load-models.ts';
import { readSpan } from './read-span.ts';
import type { AudioFeatures } from './whisper-graphs.ts';

export interface EngineSettings extends LoadSettings, EngineModels {
  /** Most chunks whose audio features are kept. */
  readonly cachedChunks: number;
}

export function createEngineCalls(settings: EngineSettings): EngineImplementation {
  const whisperOf = loadedOnce((name) => loadWhisper(name, settings));
  const alignerOf = loadedOnce((name) => loadAligner(name, settings));
  const segmentationOf = loadedOnce((name) => loadSegmentation(name, settings));
  const speakerOf = loadedOnce((name) => loadSpeakerEncoder(name, settings));
  const features = new FeatureCache(settings.cachedChunks);

  const featuresOf = async (name: string, spans: readonly AudioSpan[]) => {
    const { graphs } = (await whisperOf(name)).graphs;
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
      const isAligner = architectureOf(model, settings) === 'wav2vec2';
      return (await (isAligner ? alignerOf(model) : whisperOf(model))).result;
    },
    async segment({ windows }) {
      const segmentation = await segmentationOf(settings.segmentationModel);
      return segmentation.segment(windows.map(readSpan));
    },
    async embedSpeakers({ samples }) {
      const speaker = await speakerOf(settings.speakerModel);
      const vectors = await speaker.embed(samples.map(readVoice));
      const embeddings = new Float32Array(vectors.length * speaker.dimensions);
      for (const [i, vector] of vectors.entries()) embeddings.set(vector, i * speaker.dimensions);
      return { embeddings, dimensions: speaker.dimensions };
    },
    async emissions({ model, items }) {
      const { graphs } = await alignerOf(model);
      const chunks = items.map(({ span, columns }) => ({ waveform: readSpan(span), columns }));
      return graphs.emissions(chunks);
    },
    async encode({ model, spans }) {
      await featuresOf(model, spans);
    },
    async detectLanguage({ model, spans }) {
      const { graphs, config } = (await whisperOf(model)).graphs;
      const sot = config.endToken + 1;
      return {
        languages: config.languages.map(({ code }) => code),
        probabilities: await graphs.languageProbabilities(await featuresOf(model, spans), sot),
      };
    },
    async decode({ model, items, search }) {
      const { graphs } = (await whisperOf(model)).graphs;
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
    // The process ends next, which gives back more than any release would.
    unload: () => features.clear(),
  };
}

/** Keeps what was loaded; what failed is tried again at the next call. */
function loadedOnce<Model>(
  load: (name: string) => Promise<Model>,
): (name: string) => Promise<Model> {
  const models = new Map<string, Promise<Model>>();
  return (name) => {
    const known = models.get(name);
    if (known !== undefined) return known;
    const loading = load(name);
    models.set(name, loading);
    loading.catch(() => models.delete(name));
    return loading;
  };
}

/** The stretches of one voice, one after another. */
function readVoice(sample: VoiceSample): Float32Array {
  const parts = sample.map(readSpan);
  const voice = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    voice.set(part, at);
    at += part.length;
  }
  return voice;
}
