/** The language of each chunk: as the caller says, or by a vote over the first ones. */
import type { WorkContext } from '#origin/engine/work.ts';
import { type RecordingJob, spanOf, type VotedChunk } from '#origin/pipeline/recording-job.ts';
import {
  givenLanguage,
  VOTING_CHUNKS,
  votedLanguage,
} from '#origin/pipeline/recording-language.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import type { LanguageVote } from '#origin/whisper/language-vote.ts';

/** Holds the first chunks back until they have voted; all later ones follow the vote. */
export async function* withLanguage(
  chunks: AsyncIterable<SpeechChunk>,
  job: RecordingJob,
  context: WorkContext,
): AsyncGenerator<VotedChunk, void> {
  let vote = givenLanguage(job.options, job.tokenizer);
  let voters: SpeechChunk[] = [];
  for await (const chunk of chunks) {
    if (vote) {
      yield { ...chunk, vote };
      continue;
    }
    voters.push(chunk);
    if (voters.length < VOTING_CHUNKS) continue;
    vote = await holdVote(voters, job, context);
    for (const voter of voters) yield { ...voter, vote };
    voters = [];
  }
  if (voters.length === 0) return;
  vote = await holdVote(voters, job, context);
  for (const voter of voters) yield { ...voter, vote };
}

async function holdVote(
  voters: readonly SpeechChunk[],
  job: RecordingJob,
  context: WorkContext,
): Promise<LanguageVote> {
  const spans = voters.map((chunk) => spanOf(chunk, job.waveform));
  const detection = await job.times.measure('language', () =>
    job.scheduler.detectLanguage({ model: job.model, spans }, context),
  );
  const speech = voters.map(({ regions }) =>
    regions.reduce((sum, { startSample, endSample }) => sum + endSample - startSample, 0),
  );
  const { languages: allowed } = job.options;
  return votedLanguage(detection, speech, { allowed, hint: job.languageHint });
}
