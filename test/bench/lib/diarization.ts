/** The embedded models and origin/diarize, joined as the pipeline does, without a service around them. */

import { fileURLToPath } from 'node:url';
import { SpeakerCollector } from '#origin/diarize/collector.ts';
import {
  type DiarizationResult,
  type FinishOptions,
  finishDiarization,
} from '#origin/diarize/diarize.ts';
import type { DiarizeOptions } from '#origin/diarize/options.ts';
import type { VoiceStretch } from '#origin/diarize/stretches.ts';
import { openSegmentationGraph } from '#origin/engine/graphs/segmentation-graph.ts';
import { openSpeakerGraph } from '#origin/engine/graphs/speaker-graph.ts';

const EMBEDDED = fileURLToPath(new URL('../../../models/embedded/', import.meta.url));
const WINDOW_SAMPLES = 80_000;
const FRAME_STEP = 270;
/** Windows or stretches of one run. */
const BATCH = 16;

export interface Diarizer {
  /** Samples are 16 kHz, mono. */
  diarize(samples: Float32Array, settings?: DiarizeSettings): Promise<DiarizationResult>;
  release(): Promise<void>;
}

export interface DiarizeSettings extends Omit<FinishOptions, 'totalSamples'> {
  /** From one window to the next; default 74, which is 1.25 s. */
  readonly hopFrames?: number;
  readonly options?: Partial<DiarizeOptions>;
}

export async function openDiarizer(threads = 2): Promise<Diarizer> {
  const segmentation = await openSegmentationGraph(`${EMBEDDED}segmentation/segmentation.onnx`, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
  });
  const speaker = await openSpeakerGraph({ dir: `${EMBEDDED}speaker`, threads });
  return {
    async diarize(samples, { hopFrames = 74, options = {}, ...finish } = {}) {
      const collector = new SpeakerCollector(options);
      const stretches: VoiceStretch[] = [];
      for (const starts of batches(windowStarts(samples.length, hopFrames))) {
        const windows = starts.map((start) => windowAt(samples, start));
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
function windowStarts(samples: number, hopFrames: number): number[] {
  const starts: number[] = [];
  for (let frame = 0; frame * FRAME_STEP + WINDOW_SAMPLES <= samples; frame += hopFrames) {
    starts.push(frame);
  }
  const covered = starts.length === 0 ? 0 : (starts.at(-1) ?? 0) * FRAME_STEP + WINDOW_SAMPLES;
  if (covered < samples) {
    starts.push(Math.max(0, Math.ceil((samples - WINDOW_SAMPLES) / FRAME_STEP)));
  }
  return starts;
}

function windowAt(samples: Float32Array, frame: number): Float32Array {
  return samples.slice(frame * FRAME_STEP, frame * FRAME_STEP + WINDOW_SAMPLES);
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
