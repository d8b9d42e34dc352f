/**
 * A speaker encoder as a function of arrays: voices → unit vectors. Two kinds are told apart by what their graph takes:
 *
 * - `partials`: stretches of one fixed length (GE2E); those of all voices share runs, a voice is the mean of its own;
 * - `voices`: a whole voice at once (WeSpeaker), one after the other, since their lengths differ.
 */
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { SPEAKER_FILE } from '#models/embed.ts';
import { evenLevel } from './even-level.ts';
import {
  fillPartial,
  PARTIAL_SAMPLES,
  planPartials,
  planPieces,
  repeatToPartial,
} from './plan-partials.ts';

export interface SpeakerGraph {
  /** Length of an embedding. */
  readonly dimensions: number;
  /**
   * An embedding of length 1 for each voice (16 kHz, from about 0.5 s on; better with 1.6 s or more). A voice that the
   * encoder hears nothing in gives zeros, which are like no other voice.
   * @throws RangeError for a voice without samples
   */
  embed(voices: readonly Float32Array[]): Promise<Float32Array[]>;
  release(): Promise<void>;
}

export interface SpeakerGraphOptions {
  /** Folder of the built model. */
  readonly dir: string;
  /** Threads of one run. */
  readonly threads: number;
  /** Whether all voices are brought to one level first; default true. */
  readonly evenLevels?: boolean;
}

export async function openSpeakerGraph(options: SpeakerGraphOptions): Promise<SpeakerGraph> {
  const { dir, threads, evenLevels = true } = options;
  const session = await InferenceSession.create(join(dir, SPEAKER_FILE), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  const dimensions = dimensionsOf(session);
  const isWhole = shapeOf(session.inputMetadata[0])[0] === 'voices';
  return {
    dimensions,
    async embed(voices) {
      const jobs = voices.flatMap((voice, index) => jobsOf(voice, index, { evenLevels, isWhole }));
      const sums = voices.map(() => new Float32Array(dimensions));
      for (const batch of batchesOf(jobs, isWhole ? 1 : MAX_BATCH)) {
        addEmbeddings(batch, await runBatch(session, batch), sums);
      }
      return sums.map(unitLength);
    },
    release: () => session.release(),
  };
}

/** Most partials in one run: 64 are no faster, and take 100 MB more. */
const MAX_BATCH = 16;

/** One row of a run. All rows of a run are equally long. */
interface Job {
  readonly voice: number;
  readonly samples: Float32Array;
  /** Of the row, in `samples`; may be before the first. */
  readonly firstSample: number;
  readonly sampleCount: number;
}

interface JobOptions {
  readonly evenLevels: boolean;
  readonly isWhole: boolean;
}

function jobsOf(voice: Float32Array, index: number, { evenLevels, isWhole }: JobOptions): Job[] {
  if (voice.length === 0) throw new RangeError(`voice ${index} has no samples`);
  const samples = repeatToPartial(evenLevels ? evenLevel(voice) : voice);
  if (isWhole) {
    return planPieces(samples.length).map((piece) => ({ voice: index, samples, ...piece }));
  }
  const sampleCount = PARTIAL_SAMPLES;
  return planPartials(samples.length).map((firstSample) => ({
    voice: index,
    samples,
    firstSample,
    sampleCount,
  }));
}

function batchesOf(jobs: readonly Job[], size: number): Job[][] {
  const count = Math.ceil(jobs.length / size);
  return Array.from({ length: count }, (_, i) => jobs.slice(i * size, (i + 1) * size));
}

async function runBatch(session: InferenceSession, jobs: readonly Job[]): Promise<Float32Array> {
  const length = jobs[0]?.sampleCount ?? 0;
  const data = new Float32Array(jobs.length * length);
  for (const [i, { samples, firstSample }] of jobs.entries()) {
    fillPartial(data.subarray(i * length, (i + 1) * length), samples, firstSample);
  }
  const waveform = new Tensor('float32', data, [jobs.length, length]);
  const { embeddings } = await session.run({ waveform });
  if (!embeddings) throw new Error('the speaker encoder gave no embeddings');
  return embeddings.data as Float32Array;
}

function addEmbeddings(
  jobs: readonly Job[],
  rows: Float32Array,
  sums: readonly Float32Array[],
): void {
  for (const [i, { voice }] of jobs.entries()) {
    const sum = sums[voice];
    if (!sum) throw new Error(`there is no voice ${voice}`);
    for (let k = 0; k < sum.length; k++) sum[k]! += rows[i * sum.length + k]!;
  }
}

function unitLength(sum: Float32Array): Float32Array {
  const length = Math.hypot(...sum);
  return length > 0 ? sum.map((value) => value / length) : sum;
}

function dimensionsOf(session: InferenceSession): number {
  const output = session.outputMetadata.find(({ name }) => name === 'embeddings');
  const [, dimensions] = shapeOf(output);
  if (typeof dimensions !== 'number')
    throw new Error('the speaker encoder has no fixed dimensions');
  return dimensions;
}

function shapeOf(
  metadata: InferenceSession.ValueMetadata | undefined,
): readonly (number | string)[] {
  return metadata?.isTensor ? metadata.shape : [];
}
