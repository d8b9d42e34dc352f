/** The models of speakers and origin/diarize, joined as the pipeline does, without a service around them. */

import { openStore } from '#models/store.ts';
import { loadConfig } from '#origin/config.ts';
import { SpeakerCollector } from '#origin/diarize/collector.ts';
import {
  type DiarizationResult,
  type FinishOptions,
  finishDiarization,
} from '#origin/diarize/diarize.ts';
import type { DiarizeOptions } from '#origin/diarize/options.ts';
import type { VoiceStretch } from '#origin/diarize/stretches.ts';
import { loadSegmentation, loadSpeakerEncoder } from '#origin/engine/graphs/load-models.ts';
import { modelNames, openRecordingModels } from '#origin/pipeline/recording-models.ts';
import { FRAME_STEP } from '#origin/vad/frame-grid.ts';
import { SttException } from '#shared/errors.ts';

/** Windows or stretches of one run. */
const BATCH = 16;

export interface Diarizer {
  /** `segmentation` and `speaker`, unless the settings name others. */
  readonly models: readonly [segmentation: string, encoder: string];
  /** Of the encoder; those of a call go before them. */
  readonly thresholds: DiarizeOptions;
  /** Samples are 16 kHz, mono. */
  diarize(samples: Float32Array, settings?: DiarizeSettings): Promise<DiarizationResult>;
  release(): Promise<void>;
}

export interface DiarizeSettings extends Omit<FinishOptions, 'totalSamples'> {
  /** From one window to the next; default 74, which is 1.25 s. */
  readonly hopFrames?: number;
  readonly options?: Partial<DiarizeOptions>;
}

/**
 * @param environment Its SEGMENTATION_MODEL, SPEAKER_MODEL and MODELS_DIR count, as for the service; none: the embedded
 * models.
 * @throws SttException `model_unavailable`
 */
export async function openDiarizer(
  threads = 2,
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<Diarizer> {
  const config = loadConfig(environment);
  const store = openStore(config.modelsDir);
  const names = modelNames(config);
  const models = openRecordingModels(store, config);
  const [window, calibration] = [models.window(), models.diarization()];
  if (!window.ok) throw new SttException(window.error);
  if (!calibration.ok) throw new SttException(calibration.error);
  const { windowSamples, windowFrames } = window.value;
  const thresholds = calibration.value;
  const settings = { store, threads, device: 'cpu', computeType: 'auto' } as const;
  const segmentation = await loadSegmentation(names.segmentation, settings);
  const speaker = await loadSpeakerEncoder(names.encoder, settings);
  return {
    models: [names.segmentation, names.encoder],
    thresholds,
    async diarize(samples, { hopFrames = 74, options = {}, ...finish } = {}) {
      const collector = new SpeakerCollector({ ...thresholds, ...options }, { windowFrames });
      const stretches: VoiceStretch[] = [];
      for (const starts of batches(windowStarts(samples.length, hopFrames, windowSamples))) {
        const windows = starts.map((start) => windowAt(samples, start, windowSamples));
        const result = await segmentation.segment(windows);
        const size = result.frames * result.speakers;
        for (const [i, startFrame] of starts.entries()) {
          const activations = result.activations.subarray(i * size, (i + 1) * size);
          const sampleCount = windows[i]?.length ?? 0;
          const window = { startFrame, sampleCount, activations, speakers: result.speakers };
          stretches.push(...collector.add(window));
        }
      }
      stretches.push(...collector.end());
      for (const batch of batches(stretches)) {
        const vectors = await speaker.embed(batch.map((stretch) => voiceOf(samples, stretch)));
        for (const [i, { id }] of batch.entries()) collector.embedded(id, vectors[i] ?? []);
      }
      return finishDiarization(collector, { totalSamples: samples.length, ...finish });
    },
    async release() {
      await segmentation.release();
      await speaker.release();
    },
  };
}

/** As origin/vad lays them: the last one ends with the recording. */
function windowStarts(samples: number, hopFrames: number, windowSamples: number): number[] {
  const starts: number[] = [];
  for (let frame = 0; frame * FRAME_STEP + windowSamples <= samples; frame += hopFrames) {
    starts.push(frame);
  }
  const covered = starts.length === 0 ? 0 : (starts.at(-1) ?? 0) * FRAME_STEP + windowSamples;
  if (covered < samples) {
    starts.push(Math.max(0, Math.ceil((samples - windowSamples) / FRAME_STEP)));
  }
  return starts;
}

function windowAt(samples: Float32Array, frame: number, windowSamples: number): Float32Array {
  return samples.slice(frame * FRAME_STEP, frame * FRAME_STEP + windowSamples);
}

function voiceOf(samples: Float32Array, { ranges }: VoiceStretch): Float32Array {
  const voice = new Float32Array(ranges.reduce((sum, { sampleCount }) => sum + sampleCount, 0));
  let at = 0;
  for (const { startSample, sampleCount } of ranges) {
    voice.set(samples.subarray(startSample, startSample + sampleCount), at);
    at += sampleCount;
  }
  return voice;
}

function batches<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / BATCH);
  return Array.from({ length: count }, (_, i) => items.slice(i * BATCH, (i + 1) * BATCH));
}
