/** The pipeline without HTTP: one engine, one scheduler, and a transcript for each recording. */
import { availableParallelism } from 'node:os';
import { findBuilt, listInstalled, type ModelStore, openStore } from '#models/store.ts';
import { startDecoding } from '#origin/audio/decode-audio.ts';
import { SAMPLE_RATE, type SpooledWaveform } from '#origin/audio/waveform.ts';
import type { OriginConfig } from '#origin/config.ts';
import { createScheduler, type EngineScheduler } from '#origin/engine/batcher.ts';
import { EngineProcess } from '#origin/engine/engine-process.ts';
import { buildChoices } from '#origin/engine/graphs/choose-build.ts';
import type { EngineSettings } from '#origin/engine/graphs/sessions.ts';
import type { Logger } from '#origin/logger.ts';
import type { StageMetrics } from '#origin/metrics/metrics.ts';
import { assembleTranscript } from '#origin/pipeline/assemble.ts';
import { observeBatches } from '#origin/pipeline/observed-engine.ts';
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
import { StageTimes } from '#origin/pipeline/stage-times.ts';
import { toSttException } from '#origin/pipeline/to-stt-exception.ts';
import { transcribeRecording } from '#origin/pipeline/transcribe.ts';
import type { TranscribeRequest, Transcriber } from '#origin/pipeline/transcriber.ts';
import { makeSpoolDir, newSpoolPath } from '#origin/spool.ts';
import { SearchPlan } from '#origin/whisper/search-plan.ts';
import { loadWhisperTokenizer, type WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import type { Transcript } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';

export interface TranscriberDependencies {
  readonly logger: Logger;
  readonly metrics: StageMetrics;
}

/** Longest decoding of one upload: four hours of audio take seconds to minutes. */
const DECODE_TIMEOUT_SECONDS = 600;
/** Work items the scheduler holds before requests wait to add more. */
const MAX_QUEUED_ITEMS = 256;
/** A request that was not served for this long goes first, at every other turn. */
const AGE_PROMOTION_SECONDS = 20;
/** Batches whose audio features the engine keeps: those being decoded, and those that may need a fallback. */
const CACHED_BATCHES = 4;

export function createTranscriber(
  config: OriginConfig,
  { logger, metrics }: TranscriberDependencies,
): Transcriber {
  const store = openStore(config.modelsDir);
  const models = describeModels(store, config);
  const batch = batchSizes(config, models.usesGpu);
  const engine = new EngineProcess({
    settings: engineSettings(config, store, batch.size),
    idleTimeoutSeconds: config.idleTimeoutSeconds ?? -1,
    log: logger,
    onLoaded: ({ model, loadSeconds }) => {
      metrics.observeModelLoad(model, loadSeconds);
      metrics.setModelLoaded(model, true);
    },
    onState: (status) => {
      if (status.state === 'restarting') metrics.countEngineRestart();
      if (status.models.length > 0) return;
      for (const model of models.names()) metrics.setModelLoaded(model, false);
    },
  });
  const scheduler = createScheduler(observeBatches(engine, metrics), {
    batchSize: batch.size,
    encodeBatchSize: batch.encode,
    maxQueuedItems: MAX_QUEUED_ITEMS,
    agePromotionSeconds: AGE_PROMOTION_SECONDS,
    encodedSpanCapacity: CACHED_BATCHES * batch.size,
    now: () => performance.now(),
  });
  const tokenizers = new Map<string, Promise<WhisperTokenizer>>();
  const tokenizerOf = (model: string) => {
    const tokenizer = tokenizers.get(model) ?? loadWhisperTokenizer(models.folder(model));
    tokenizers.set(model, tokenizer);
    return tokenizer;
  };
  preload(config, { engine, models, logger });

  return {
    async transcribe(request) {
      const limits = {
        maxAudioSeconds: config.maxAudioSeconds,
        decodeTimeoutSeconds: DECODE_TIMEOUT_SECONDS,
      };
      const held = engine.hold();
      try {
        const model = models.resolve(request.options.model);
        const tokenizer = await tokenizerOf(model);
        const job = { model, tokenizer, scheduler, times: new StageTimes(metrics) };
        return await transcribeFile(request, { ...job, config, logger });
      } catch (error) {
        throw toSttException(error, limits);
      } finally {
        held[Symbol.dispose]();
      }
    },
    models: () => ({
      whisper: models.names(),
      defaultWhisper: models.defaultName,
      loaded: engine.status().models.map(({ model }) => model),
    }),
    health() {
      const { state, device, models: loaded } = engine.status();
      return { whisperLoaded: loaded.length > 0, engine: state, device };
    },
    close: () => engine.stop(),
  };
}

interface FileJob {
  readonly model: string;
  readonly tokenizer: WhisperTokenizer;
  readonly scheduler: EngineScheduler;
  readonly times: StageTimes;
  readonly config: OriginConfig;
  readonly logger: Logger;
}

async function transcribeFile(request: TranscribeRequest, job: FileJob): Promise<Transcript> {
  const { options, requestId, signal } = request;
  await makeSpoolDir(job.config.spoolDir);
  const started = performance.now();
  const waveform = startDecoding(request, {
    waveformPath: newSpoolPath(job.config.spoolDir, 'waveform'),
    signal,
    maxSeconds: job.config.maxAudioSeconds,
    timeoutMs: DECODE_TIMEOUT_SECONDS * 1000,
    onOutcome: ({ decoder, exitCode, stderr }) => {
      job.times.add('decode', performance.now() - started);
      if (exitCode !== 0)
        job.logger.warn({ requestId, decoder, exitCode, stderr }, 'decoder failed');
    },
  });
  try {
    const chunks: ChunkResult[] = [];
    const recording = { waveform, ...job, plan: new SearchPlan(), options, requestId, signal };
    const languageHint = job.config.defaultLanguage;
    for await (const chunk of transcribeRecording({ ...recording, languageHint })) {
      chunks.push(chunk);
      request.onProgress?.(progressOf(waveform, chunk));
    }
    const { sampleCount } = await waveform.available(Number.POSITIVE_INFINITY);
    return assembleTranscript(chunks, {
      options,
      model: job.model,
      languageHint,
      durationSeconds: sampleCount / SAMPLE_RATE,
      truncated: waveform.truncated,
      timingsMs: job.times.toRecord(),
    });
  } finally {
    await waveform.dispose();
  }
}

function progressOf(waveform: SpooledWaveform, chunk: ChunkResult) {
  return { doneSeconds: chunk.endSeconds, totalSeconds: waveform.sampleCount / SAMPLE_RATE };
}

interface ModelCatalogue {
  readonly defaultName: string;
  /** A build for the GPU may be used. */
  readonly usesGpu: boolean;
  names(): string[];
  /** Canonical name of a model asked for. @throws SttException `unknown_model` */
  resolve(asked: string | undefined): string;
  /** Folder of the build that holds the tokenizer. */
  folder(name: string): string;
}

function describeModels(store: ModelStore, config: OriginConfig): ModelCatalogue {
  const choices = buildChoices(config);
  const buildOf = (name: string) =>
    choices.map(({ target }) => findBuilt(store, name, target)).find((built) => built);
  const names = () => {
    const built = listInstalled(store).built.filter(
      ({ manifest }) =>
        manifest.architecture === 'whisper' &&
        choices.some(({ target }) => target === manifest.target),
    );
    return [...new Set(built.map(({ manifest }) => manifest.name))].sort();
  };
  const isOnGpu = (name: string) =>
    config.device !== 'cpu' && findBuilt(store, name, 'cuda-f16') !== undefined;
  const defaultName = config.whisperModel ?? (isOnGpu('large-v3') ? 'large-v3' : 'base');
  return {
    defaultName,
    usesGpu: isOnGpu(defaultName),
    names,
    resolve(asked) {
      const name = asked ?? this.defaultName;
      const known = names();
      if (known.includes(name)) return name;
      throw new SttException({ kind: 'unknown_model', model: name, known });
    },
    folder(name) {
      const built = buildOf(name);
      if (!built) throw new SttException({ kind: 'unknown_model', model: name, known: names() });
      return built.dir;
    },
  };
}

function batchSizes(config: OriginConfig, usesGpu: boolean): { size: number; encode: number } {
  const size = config.batchSize ?? (usesGpu ? 16 : 4);
  return { size, encode: usesGpu ? size : 1 };
}

function engineSettings(config: OriginConfig, store: ModelStore, batch: number): EngineSettings {
  return {
    store,
    device: config.device,
    computeType: config.computeType,
    threads: config.threads ?? availableParallelism(),
    cachedChunks: CACHED_BATCHES * batch,
  };
}

/** Loads models ahead of the first request; a failure is logged, and the request will say it again. */
function preload(
  config: OriginConfig,
  parts: { engine: EngineProcess; models: ModelCatalogue; logger: Logger },
): void {
  if (config.preloadModels === 'none') return;
  const names =
    config.preloadModels === 'default' ? [parts.models.defaultName] : config.preloadModels;
  for (const model of names) {
    parts.engine.load({ model }).catch((error: unknown) => {
      parts.logger.error({ model, error }, 'model could not be loaded ahead');
    });
  }
}
