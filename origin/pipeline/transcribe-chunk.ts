/** One chunk: decode → place its words in time → check: no words without speech, no speech without words. */
import { estimateSentences } from '#origin/align/sentences.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import {
  type CheckedText,
  dropInvented,
  isPlainlyInvented,
} from '#origin/pipeline/drop-invented.ts';
import { hearingIn } from '#origin/pipeline/hear-stretch.ts';
import {
  type ChunkResult,
  type RecordingJob,
  toTimeSpan,
  type VotedChunk,
} from '#origin/pipeline/recording-job.ts';
import { recoverSpeech } from '#origin/pipeline/recover-speech.ts';
import { isTooShortFor } from '#origin/truth/uncovered-speech.ts';

export async function transcribeChunk(
  chunk: VotedChunk,
  job: RecordingJob,
  context: WorkContext,
): Promise<ChunkResult> {
  const { align } = job.options;
  const hear = hearingIn(chunk, job, context);
  const isInvented = isPlainlyInvented(chunk);
  let heard = await hear(chunk, { plan: job.plan, align, isInvented });
  if (!align && heard.text !== '' && isTooShortFor(heard.text, chunk.regions.map(toTimeSpan))) {
    // Only words in time can tell which speech was skipped.
    heard = await hear(chunk, { align: true, isInvented });
  }
  const believed = await dropInvented(heard, chunk, hear);
  const result = toResult(chunk, await recoverSpeech(believed, chunk, hear), align);
  const { alignmentWarning } = heard;
  if (alignmentWarning === null || result.text === '') return result;
  return { ...result, warnings: [...result.warnings, alignmentWarning] };
}

/** Without times of words the text is kept with estimated times: it is never lost. */
function toResult(chunk: VotedChunk, checked: CheckedText, align: boolean): ChunkResult {
  const seconds = toTimeSpan(chunk);
  const speech = chunk.regions.map(toTimeSpan);
  const { text, recovered, missing } = checked;
  const words = align || text === '' ? checked.words : null;
  const warnings = [...checked.warnings];
  if (checked.isWithoutTimes) {
    const where = `${seconds.startSeconds.toFixed(1)}-${seconds.endSeconds.toFixed(1)} s`;
    warnings.push(
      `Word times could not be found for ${where}; its sentences have estimated times.`,
    );
  }
  return {
    ...seconds,
    vote: chunk.vote,
    text,
    words,
    estimated: words === null ? estimateSentences(text, seconds, speech) : [],
    speech,
    recovered,
    missing,
    warnings,
  };
}
