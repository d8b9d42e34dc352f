/** The pipeline without HTTP: one engine, one scheduler, and a transcript for each recording. */
import { availableParallelism } from 'node:os';
import { type ModelStore, openStore } from '#models/store.ts';
import type { OriginConfig } from '#origin/config.ts';
import { createScheduler } from '#origin/engine/batcher.ts';
import { EngineProcess } from '#origin/engine/engine-process.ts';
import type { EngineSettings } from '#origin/engine/graphs/sessions.ts';
import { RunningRequests, type WatchCalls } from '#origin/engine/running-requests.ts';
import type { Logger } from '#origin/logger.ts';
import type { StageMetrics } from '#origin/metrics/metrics.ts';
import { alignersOf } from '#origin/pipeline/aligners.ts';
import { DECODE_TIMEOUT_SECONDS } from '#origin/pipeline/decode-upload.ts';
import {
  type EnginePlace,
  type EnterEngine,
  enterEngineWith,
} from '#origin/pipeline/enter-engine.ts';
import { embedKnownSpeakers } from '#origin/pipeline/known-voices.ts';
import { type ModelCatalogue, openCatalogue } from '#origin/pipeline/model-catalogue.ts';
import { observeBatches } from '#origin/pipeline/observed-engine.ts';
import { openEngineLeases } from '#origin/pipeline/open-engine-leases.ts';
import {
  modelNames,
  openRecordingModels,
  type RecordingModels,
} from '#origin/pipeline/recording-models.ts';
import { transcribeChannels } from '#origin/pipeline/split-channels.ts';
import { StageTimes } from '#origin/pipeline/stage-times.ts';
import { toSttException } from '#origin/pipeline/to-stt-exception.ts';
import { type FileTools, transcribeFile } from '#origin/pipeline/transcribe-file.ts';
import { transcribeVoxtralFile } from '#origin/pipeline/transcribe-voxtral-file.ts';
import type {
  TranscribeRequest,
  Transcriber,
  VoxtralTranscriber,
} from '#origin/pipeline/transcriber.ts';
import type { Vram } from '#origin/vram/open-vram.ts';
import { loadWhisperTokenizer, type WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import { SttException } from '#shared/errors.ts';

export interface TranscriberDependencies {
  readonly logger: Logger;
  readonly metrics: StageMetrics;
  /** Where models take their memory; absent: nobody asks before a load. */
  readonly vram?: Pick<Vram, 'manager' | 'local'> | undefined;
}

/** Everything that this machine can do to a recording. */
export interface LocalTranscriber extends Transcriber, VoxtralTranscriber {}

/** Work items the scheduler holds before requests wait to add more. */
const MAX_QUEUED_ITEMS = 256;
/** A request that was not served for this long goes first, at every other turn. */
const AGE_PROMOTION_SECONDS = 20;
/** Batches whose audio features the engine keeps: those being decoded, and those that may need a fallback. */
const CACHED_BATCHES = 4;

export function createTranscriber(
  config: OriginConfig,
  { logger, metrics, vram }: TranscriberDependencies,
): LocalTranscriber {
  const store = openStore(config.modelsDir);
  const models = openCatalogue(store, config);
  const recordingModels = openRecordingModels(store, config);
  logFaults(recordingModels, logger);
  const batch = batchSizes(config, models.usesGpu);
  const settings = engineSettings(config, store, batch.size);
  const running = new RunningRequests();
  const engine = new EngineProcess({
    settings,
    idleTimeoutSeconds: config.idleTimeoutSeconds ?? -1,
    log: running.naming(logger),
    onLoaded: (result) => {
      metrics.observeModelLoad(result.model, result.loadSeconds);
      metrics.setModelLoaded(result.model, true);
      leases?.loaded(result);
    },
    onAnswer: (answer) => leases?.answered(answer),
    onUnloaded: () => leases?.processGone(),
    onState: (status) => {
      if (status.state === 'restarting') metrics.countEngineRestart();
      if (status.state === 'restarting' || status.state === 'failed') leases?.processGone();
      if (status.models.length > 0) return;
      for (const model of models.names()) metrics.setModelLoaded(model, false);
    },
  });
  const leases = openEngineLeases(vram, {
    ...{ engine, settings, batchSize: batch.size, logger },
    isRamShared: config.gpuLedger === 'ram',
  });
  const scheduler = createScheduler(observeBatches(engine, metrics), {
    batchSize: batch.size,
    encodeBatchSize: batch.encode,
    maxQueuedItems: MAX_QUEUED_ITEMS,
    agePromotionSeconds: AGE_PROMOTION_SECONDS,
    encodedSpanCapacity: CACHED_BATCHES * batch.size,
    now: () => performance.now(),
    watchCalls: timeCalls(running.watch, metrics),
  });
  const findAligner = alignersOf(models);
  const tokenizers = new Map<string, Promise<WhisperTokenizer>>();
  const tokenizerOf = (model: string) => {
    const tokenizer = tokenizers.get(model) ?? loadWhisperTokenizer(models.folder(model));
    tokenizers.set(model, tokenizer);
    return tokenizer;
  };
  const { speakerModel, segmentationModel } = settings;
  const enter = enterEngineWith({ engine, scheduler, speakerModel }, leases);
  preload(config, { engine, models, logger, enter });

  const { defaultLanguage: languageHint } = config;
  /** Keeps the engine and `needed` models meanwhile; every failure of a stage becomes one of the service. */
  const work = async <Answer>(
    request: TranscribeRequest,
    needed: readonly string[],
    transcribe: (tools: Omit<FileTools, 'model' | 'tokenizer'>) => Promise<Answer>,
  ): Promise<Answer> => {
    let place: EnginePlace | null = null;
    try {
      place = await enter([...needed, segmentationModel], request.signal);
      const times = new StageTimes(metrics, request.onStage);
      const decoding = { config, logger, times, scheduler: place.scheduler };
      const hearing = { ...decoding, ...hearingWith(recordingModels) };
      const knownVoices = await embedKnownSpeakers(request, hearing);
      return await transcribe({ ...hearing, findAligner, languageHint, knownVoices });
    } catch (error) {
      const { maxAudioSeconds } = config;
      const limits = { maxAudioSeconds, decodeTimeoutSeconds: DECODE_TIMEOUT_SECONDS };
      throw toSttException(error, limits);
    } finally {
      place?.[Symbol.dispose]();
    }
  };
  const openWhisper = async (asked?: string) => {
    const model = models.resolve(asked);
    return { model, tokenizer: await tokenizerOf(model) };
  };

  return {
    transcribe: async (request) => {
      const model = models.resolve(request.options.model);
      return await work(request, [model], async (tools) => {
        const whisper = await openWhisper(model);
        const transcribe =
          request.options.channels === 'split' ? transcribeChannels : transcribeFile;
        return await transcribe(request, { ...tools, ...whisper });
      });
    },
    transcribeVoxtral: (request, voxtral) =>
      work(request, [], (tools) =>
        transcribeVoxtralFile(request, { ...tools, voxtral, openJudge: () => openWhisper() }),
      ),
    models: () => ({
      whisper: models.names(),
      defaultWhisper: models.defaultName,
      loaded: engine.status().models.map(({ model }) => model),
      aligners: models.aligners(),
    }),
    health() {
      const { state, device, models: loaded, rssBytes } = engine.status();
      return { whisperLoaded: loaded.length > 0, engine: state, device, engineRssBytes: rssBytes };
    },
    close: async () => {
      await engine.stop();
      leases?.close();
    },
  };
}

/** Also measures each call. */
function timeCalls(watch: WatchCalls, metrics: StageMetrics): WatchCalls {
  return (call) => {
    const ended = watch(call);
    const began = performance.now();
    return () => {
      metrics.observeEngineCall?.(call.kind, (performance.now() - began) / 1000);
      ended();
    };
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
    segmentationModel: modelNames(config).segmentation,
    speakerModel: modelNames(config).encoder,
    threads: config.threads ?? availableParallelism(),
    cachedChunks: CACHED_BATCHES * batch,
  };
}

/** @throws SttException `model_unavailable` without a segmentation model; speakers are an extra. */
function hearingWith(models: RecordingModels): Pick<FileTools, 'window' | 'thresholds'> {
  const window = models.window();
  if (!window.ok) throw new SttException(window.error);
  return { window: window.value, thresholds: models.diarization() };
}

/** Tells the operator at start. It starts all the same: the model may be pulled meanwhile, and requests say it again. */
function logFaults(models: RecordingModels, logger: Logger): void {
  for (const { setting, model, message, action } of models.faults()) {
    logger.error({ setting, model, action }, message);
  }
}

/** Loads models ahead of the first request; a failure is logged, and the request will say it again. */
function preload(
  config: OriginConfig,
  parts: { engine: EngineProcess; models: ModelCatalogue; logger: Logger; enter: EnterEngine },
): void {
  const load = async (model: string) => {
    const place = await parts.enter([model], new AbortController().signal);
    await parts.engine.load({ model }).finally(() => place[Symbol.dispose]());
  };
  if (config.preloadModels === 'none') return;
  const names =
    config.preloadModels === 'default' ? [parts.models.defaultName] : config.preloadModels;
  for (const model of names) {
    load(model).catch((error: unknown) => {
      parts.logger.error({ model, err: error }, 'model could not be loaded ahead');
    });
  }
}
