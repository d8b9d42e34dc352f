/** Forced alignment of a chunk's words where an aligner of its language is installed; else attention's times stay. */
import { alignChunk } from '#origin/align/ctc/align-chunk.ts';
import { planAlignment } from '#origin/align/ctc/plan.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import type { ReadyAligner } from '#origin/pipeline/aligners.ts';
import { longEmissions, MAX_EMISSION_SAMPLES } from '#origin/pipeline/long-emissions.ts';
import { mayDegrade } from '#origin/pipeline/may-degrade.ts';
import { type RecordingJob, spanOf, toTimeSpan } from '#origin/pipeline/recording-job.ts';
import type { SampleRange } from '#origin/vad/cut-and-merge.ts';

export interface ChunkWords {
  readonly words: readonly AlignedWord[];
  /** Mean probability of what was looked for, 0..1; null without a forced alignment. */
  readonly meanScore: number | null;
  /** Why the times are attention's; null where they are not, or where there is nothing to place. */
  readonly warning: string | null;
}

/** What the words are of. */
export interface AlignedStretch {
  readonly range: SampleRange;
  /** Of the text. */
  readonly language: string;
  /** Speech in it, where it may be longer than the engine takes at once. */
  readonly regions?: readonly SampleRange[];
  /** What gave the words the times they come with; absent: the decoder's attention. */
  readonly timesFrom?: string;
}

type AlignJob = Pick<RecordingJob, 'findAligner' | 'scheduler' | 'waveform' | 'options'>;

/** Where fewer of the spoken letters have signs, the aligner knows too little of the text to be trusted. */
const MIN_KNOWN_SHARE = 1 / 3;

/** @throws EngineFailure only where the whole request is over: nobody waits, or the service stops */
export async function alignWords(
  words: readonly AlignedWord[],
  chunk: AlignedStretch,
  { job, context }: { readonly job: AlignJob; readonly context: WorkContext },
): Promise<ChunkWords> {
  const keep = (warning: string | null) => ({ words, meanScore: null, warning });
  if (words.length === 0) return keep(null);
  try {
    const aligner = await job.findAligner(chunk.language);
    if (aligner === null) return keep(noAligner(chunk));
    const aligned = await runAligner(aligner, words, chunk, { job, context });
    if (aligned === null) return keep(failed(chunk, 'its text does not fit the sound'));
    return { ...aligned, warning: null };
  } catch (error) {
    if (!mayDegrade(error)) throw error;
    return keep(failed(chunk, 'the aligner could not be run'));
  }
}

async function runAligner(
  { name, vocabulary, speller }: ReadyAligner,
  words: readonly AlignedWord[],
  { range, language, regions = [] }: AlignedStretch,
  { job, context }: { readonly job: AlignJob; readonly context: WorkContext },
): Promise<Pick<ChunkWords, 'words' | 'meanScore'> | null> {
  const plan = planAlignment(words, vocabulary, { language, speller });
  if (plan.knownShare < MIN_KNOWN_SHARE) return null;
  const { columns } = plan;
  const isLong = range.endSample - range.startSample > MAX_EMISSION_SAMPLES;
  const item = { span: spanOf(range, job.waveform), columns };
  const emissions = isLong
    ? await longEmissions({ model: name, range, columns, regions }, { job, context })
    : await job.scheduler.emissions({ model: name, item }, context);
  const { startSeconds, endSeconds } = toTimeSpan(range);
  const aligned = alignChunk(
    words,
    { plan, emissions },
    {
      chunkStartSeconds: startSeconds,
      chunkEndSeconds: endSeconds,
      withCharacters: job.options.charAlignments === true,
    },
  );
  return aligned.ok && aligned.value.meanScore !== null ? aligned.value : null;
}

const ATTENTION = "the decoder's attention";

function noAligner({ language, timesFrom = ATTENTION }: AlignedStretch): string {
  return `Word times come from ${timesFrom}: no aligner for "${language}" is installed.`;
}

function failed({ range, timesFrom = ATTENTION }: AlignedStretch, why: string): string {
  const { startSeconds, endSeconds } = toTimeSpan(range);
  const where = `${startSeconds.toFixed(1)}-${endSeconds.toFixed(1)} s`;
  return `Word times at ${where} come from ${timesFrom}: ${why}.`;
}
