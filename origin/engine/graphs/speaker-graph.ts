/**
 * The speaker encoder as a function of arrays: voices → unit vectors. Levels are evened out first, since the encoder
 * hears powers, not their logarithms; all partial utterances of all voices share runs.
 */
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { SPEAKER_FILE } from '#models/embed.ts';
import { evenLevel } from './even-level.ts';
import { fillPartial, PARTIAL_SAMPLES, planPartials, repeatToPartial } from './plan-partials.ts';

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
  return {
    dimensions: dimensionsOf(session),
    async embed(voices) {
      const jobs = voices.flatMap((voice, index) => jobsOf(voice, index, evenLevels));
      const sums = voices.map(() => new Float32Array(dimensionsOf(session)));
      for (let from = 0; from < jobs.length; from += MAX_BATCH) {
        await addEmbeddings(session, jobs.slice(from, from + MAX_BATCH), sums);
      }
      return sums.map(unitLength);
    },
    release: () => session.release(),
  };
}

/** Most partials in one run: more is no faster, and memory stays at some 60 MB. */
const MAX_BATCH = 64;

interface Job {
  readonly voice: number;
  readonly samples: Float32Array;
  readonly firstSample: number;
}

function jobsOf(samples: Float32Array, voice: number, evenLevels: boolean): Job[] {
  if (samples.length === 0) throw new RangeError(`voice ${voice} has no samples`);
  const level = evenLevels ? evenLevel(samples) : samples;
  const whole = repeatToPartial(level);
  return planPartials(whole.length).map((firstSample) => ({ voice, samples: whole, firstSample }));
}

async function addEmbeddings(
  session: InferenceSession,
  jobs: readonly Job[],
  sums: readonly Float32Array[],
): Promise<void> {
  const data = new Float32Array(jobs.length * PARTIAL_SAMPLES);
  for (const [i, { samples, firstSample }] of jobs.entries()) {
    fillPartial(
      data.subarray(i * PARTIAL_SAMPLES, (i + 1) * PARTIAL_SAMPLES),
      samples,
      firstSample,
    );
  }
  const waveform = new Tensor('float32', data, [jobs.length, PARTIAL_SAMPLES]);
  const { embeddings } = await session.run({ waveform });
  if (!embeddings) throw new Error('the speaker encoder gave no embeddings');
  const rows = embeddings.data as Float32Array;
  for (const [i, { voice }] of jobs.entries()) {
    const sum = sums[voice];
    if (!sum) continue;
    for (let k = 0; k < sum.length; k++) sum[k]! += rows[i * sum.length + k]!;
  }
}

function unitLength(sum: Float32Array): Float32Array {
  const length = Math.hypot(...sum);
  return length > 0 ? sum.map((value) => value / length) : sum;
}

function dimensionsOf(session: InferenceSession): number {
  const [output] = session.outputMetadata;
  const dimensions = output?.isTensor ? output.shape[1] : undefined;
  if (typeof dimensions !== 'number')
    throw new Error('the speaker encoder has no fixed dimensions');
  return dimensions;
}
