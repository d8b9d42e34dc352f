/**
 * Who speaks when in one recording, beside the text and at the same time: windows of speech activity → stretches of one
 * voice → their embeddings → speakers.
 */
import { SpeakerCollector } from '#origin/diarize/collector.ts';
import { type DiarizationResult, finishDiarization } from '#origin/diarize/diarize.ts';
import { finishInThread } from '#origin/diarize/finish-in-thread.ts';
import type { DiarizeOptions } from '#origin/diarize/options.ts';
import type { VoiceStretch } from '#origin/diarize/stretches.ts';
import type { RecordingJob } from '#origin/pipeline/recording-job.ts';
import type { RecordingWork } from '#origin/pipeline/recording-work.ts';
import { FRAME_STEP, SAMPLE_RATE } from '#origin/vad/frame-grid.ts';
import { DEFAULT_VAD_OPTIONS, toVadLimits } from '#origin/vad/options.ts';
import { planWindows, type WindowBatch } from '#origin/vad/plan-windows.ts';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';

/** A voice that has a name. */
export interface NamedVoice {
  readonly name: string;
  /** Unit vector. */
  readonly embedding: Float32Array;
}

export interface SpeakerJob
  extends Pick<RecordingJob, 'waveform' | 'scheduler' | 'times' | 'window'> {
  /** Thresholds of the speaker encoder. */
  readonly thresholds: DiarizeOptions;
  readonly options: Pick<TranscribeOptions, 'minSpeakers' | 'maxSpeakers' | 'numSpeakers'>;
}

const VAD_LIMITS = toVadLimits(DEFAULT_VAD_OPTIONS);
/**
 * Voice activity reads every second window; to tell voices apart, each moment is looked at from more sides. The same
 * however long windows are: longer ones overlap more.
 */
const HOP_FRAMES = VAD_LIMITS.hopFrames / 2;

/** 10 min: less is done in some 0.1 s, about what a thread takes to start. */
const LONG_SAMPLES = 600 * SAMPLE_RATE;

/** Whether voice activity asks for a window too, by its first sample. The last one of a recording is asked for twice. */
export function isWindowOfBoth(startSample: number): boolean {
  return startSample % (VAD_LIMITS.hopFrames * FRAME_STEP) === 0;
}

/**
 * @throws SttException `invalid_fields` where a known voice is not of this service's encoder
 * @throws EngineFailure
 */
export async function findSpeakers(
  job: SpeakerJob,
  work: RecordingWork,
  knownVoices: readonly NamedVoice[],
): Promise<DiarizationResult> {
  const { windowFrames } = job.window;
  const collector = new SpeakerCollector(job.thresholds, { windowFrames });
  const vadLimits = toVadLimits({ ...DEFAULT_VAD_OPTIONS, window: job.window });
  const limits = { ...vadLimits, hopFrames: HOP_FRAMES };
  const branch = { job, work, collector, knownVoices };
  let totalSamples = 0;
  for await (const batch of planWindows(job.waveform, limits)) {
    await embed(await collect(batch, branch), branch);
    totalSamples = batch.totalSamples ?? totalSamples;
  }
  await embed(collector.end(), branch);
  const started = performance.now();
  const { minSpeakers, maxSpeakers, numSpeakers } = job.options;
  const wishes = { minSpeakers, maxSpeakers, numSpeakers, knownSpeakers: knownVoices };
  const options = { totalSamples, ...wishes };
  const result =
    totalSamples < LONG_SAMPLES
      ? finishDiarization(collector, options)
      : await finishInThread(collector, options, work.context.signal);
  job.times.add('cluster', performance.now() - started);
  return result;
}

interface Branch {
  readonly job: SpeakerJob;
  readonly work: RecordingWork;
  readonly collector: SpeakerCollector;
  readonly knownVoices: readonly NamedVoice[];
}

async function collect({ windows }: WindowBatch, branch: Branch): Promise<VoiceStretch[]> {
  if (windows.length === 0) return [];
  const { job, work, collector } = branch;
  const { path } = job.waveform;
  const spans = windows.map(({ startSample, sampleCount }) => ({ path, startSample, sampleCount }));
  const { activations, frames, speakers } = await job.times.measure('segment', () =>
    work.segment(spans),
  );
  const size = frames * speakers;
  return windows.flatMap(({ startFrame, sampleCount }, i) => {
    const own = activations.subarray(i * size, (i + 1) * size);
    return collector.add({ startFrame, sampleCount, activations: own, speakers });
  });
}

async function embed(stretches: readonly VoiceStretch[], branch: Branch): Promise<void> {
  if (stretches.length === 0) return;
  const { job, work, collector, knownVoices } = branch;
  const { path } = job.waveform;
  const samples = stretches.map(({ ranges }) => ranges.map((range) => ({ path, ...range })));
  const { embeddings, dimensions } = await job.times.measure('embed', () =>
    job.scheduler.embedSpeakers({ samples }, work.context),
  );
  const foreign = knownVoices.find(({ embedding }) => embedding.length !== dimensions);
  if (foreign !== undefined) throw ofAnotherEncoder(foreign, dimensions);
  for (const [i, { id }] of stretches.entries()) {
    collector.embedded(id, embeddings.subarray(i * dimensions, (i + 1) * dimensions));
  }
}

function ofAnotherEncoder({ name, embedding }: NamedVoice, dimensions: number): SttException {
  const message = `the embedding of "${name}" has ${embedding.length} numbers; this service's have ${dimensions}.`;
  const fault = { field: 'known_speakers', message, type: 'value_error' };
  return new SttException({ kind: 'invalid_fields', faults: [fault] });
}
