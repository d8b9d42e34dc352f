/**
 * The same speech by Whisper, for the times of words that Voxtral's text lacks. Only where no aligner of the language is
 * installed: that is quicker and more exact.
 */
import pMap from 'p-map';
import type { AlignedWord } from '#origin/align/words.ts';
import { hearingIn } from '#origin/pipeline/hear-stretch.ts';
import type { VotedChunk } from '#origin/pipeline/recording-job.ts';
import type { RecordingWork } from '#origin/pipeline/recording-work.ts';
import {
  type LanguageJob,
  type LanguageJudge,
  mayDoWithout,
} from '#origin/pipeline/voxtral-languages.ts';
import { SearchPlan } from '#origin/whisper/search-plan.ts';

const CHUNKS_IN_FLIGHT = 8;

/**
 * @param openWhisper asked only where it is needed
 * @returns words with times, in order; none where they are not needed or cannot be had
 */
export async function hearBeside(
  chunks: readonly VotedChunk[],
  { job, work }: { readonly job: LanguageJob; readonly work: RecordingWork },
  openWhisper: () => Promise<LanguageJudge>,
): Promise<readonly AlignedWord[]> {
  const { context } = work;
  try {
    const lacking = await withoutAligner(chunks, job);
    if (!job.options.align || lacking.length === 0) return [];
    // The text is not wanted, so one quick look is enough; what was said for the text is not meant for it.
    const { prompt: _, hotwords: __, ...others } = job.options;
    const options = { ...others, beamSize: 1, temperature: 0 };
    const plan = new SearchPlan();
    const whisper = { ...job, options, ...(await openWhisper()), plan };
    const heard = await pMap(
      lacking,
      async (chunk) => {
        const hear = hearingIn(chunk, whisper, context);
        return (await hear(chunk, { align: true, plan })).words ?? [];
      },
      { concurrency: CHUNKS_IN_FLIGHT },
    );
    return heard.flat();
  } catch (error) {
    if (context.signal.aborted || !mayDoWithout(error)) throw error;
    return [];
  }
}

async function withoutAligner(
  chunks: readonly VotedChunk[],
  { findAligner }: LanguageJob,
): Promise<readonly VotedChunk[]> {
  const languages = new Set(chunks.map(({ vote }) => vote.language));
  const lacking = new Set<string>();
  for (const language of languages) {
    if ((await findAligner(language)) === null) lacking.add(language);
  }
  return chunks.filter(({ vote }) => lacking.has(vote.language));
}
