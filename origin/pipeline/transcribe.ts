/**
 * The story of one recording: decode → find speech → choose the language → decode each chunk of speech → place its
 * words in time. Chunks come out in order, each as soon as it and all before it are done.
 */
import { pMapIterable } from 'p-map';
import { estimateSentences } from '#origin/align/sentences.ts';
import { type AlignedWord, wordTimes } from '#origin/align/words.ts';
import { loudestDb } from '#origin/audio/loudness.ts';
import { SAMPLE_RATE, type SpooledWaveform } from '#origin/audio/waveform.ts';
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import type { AudioSpan } from '#origin/engine/protocol.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import {
  givenLanguage,
  VOTING_CHUNKS,
  votedLanguage,
} from '#origin/pipeline/recording-language.ts';
import type { StageTimes } from '#origin/pipeline/stage-times.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import { detectSpeech } from '#origin/vad/detect-speech.ts';
import { type ChunkText, decodeWithFallback } from '#origin/whisper/decode-with-fallback.ts';
import type { LanguageVote } from '#origin/whisper/language-vote.ts';
import { buildPrompt } from '#origin/whisper/prompt.ts';
import type { SearchPlan } from '#origin/whisper/search-plan.ts';
import type { WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import type { Segment, TranscribeOptions } from '#shared/contracts/transcript.ts';

export interface RecordingJob {
  readonly waveform: SpooledWaveform;
  readonly options: TranscribeOptions;
  /** Canonical name of the model. */
  readonly model: string;
  readonly tokenizer: WhisperTokenizer;
  /** Taken when nobody named a language and detection is unsure. */
  readonly languageHint: string;
  readonly scheduler: EngineScheduler;
  readonly times: StageTimes;
  readonly plan: SearchPlan;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/** What is known of one chunk when it is done. */
export interface ChunkResult {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly vote: LanguageVote;
  readonly text: string;
  /** Null where times were not asked for or could not be found. */
  readonly words: readonly AlignedWord[] | null;
  /** Sentences with estimated times, in place of words. */
  readonly estimated: readonly Segment[];
  readonly warnings: readonly string[];
}

/** Chunks of one recording that are worked on at a time: enough to fill batches, few enough to stay fair and small. */
const CHUNKS_IN_FLIGHT = 16;

export async function* transcribeRecording(job: RecordingJob): AsyncGenerator<ChunkResult, void> {
  const progress = { doneSeconds: 0 };
  const context: WorkContext = {
    requestId: job.requestId,
    signal: job.signal,
    remainingSeconds: () => job.waveform.sampleCount / SAMPLE_RATE - progress.doneSeconds,
  };
  const chunks = detectSpeech(job.waveform, (windows) =>
    job.times.measure('vad', () => job.scheduler.segment({ windows }, context)),
  );
  const voted = withLanguage(chunks, job, context);
  const results = pMapIterable(voted, (chunk) => transcribeChunk(chunk, job, context), {
    concurrency: CHUNKS_IN_FLIGHT,
  });
  for await (const result of results) {
    progress.doneSeconds = result.endSeconds;
    yield result;
  }
}

interface VotedChunk extends SpeechChunk {
  readonly vote: LanguageVote;
}

/** Holds the first chunks back until they have voted; all later ones follow the vote. */
async function* withLanguage(
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

async function transcribeChunk(
  chunk: VotedChunk,
  job: RecordingJob,
  context: WorkContext,
): Promise<ChunkResult> {
  const { tokenizer, options, times } = job;
  const span = spanOf(chunk, job.waveform);
  const { language } = chunk.vote;
  const { task, prompt, hotwords, beamSize, temperature, align } = options;
  const start = buildPrompt({ tokenizer, language, task, prompt, hotwords });
  const decoded = await times.measure('transcribe', async () =>
    decodeWithFallback(
      {
        tokenizer,
        decode: (item, search) => job.scheduler.decode({ model: job.model, item, search }, context),
      },
      { span, ...start, language, loudestDb: await loudestDb(span) },
      { beamSize, temperature, align, plan: job.plan },
    ),
  );
  const alignStarted = performance.now();
  const result = withTimes(chunk, decoded, job);
  times.add('align', performance.now() - alignStarted);
  return result;
}

/** Places the text in time. Failing that it is kept with estimated times: text is never lost. */
function withTimes(
  chunk: VotedChunk,
  decoded: ChunkText,
  { tokenizer }: RecordingJob,
): ChunkResult {
  const seconds = {
    startSeconds: toSeconds(chunk.startSample),
    endSeconds: toSeconds(chunk.endSample),
  };
  const speech = chunk.regions.map(({ startSample, endSample }) => ({
    startSeconds: toSeconds(startSample),
    endSeconds: toSeconds(endSample),
  }));
  const base = { ...seconds, vote: chunk.vote, text: decoded.text.trim(), warnings: [] };
  const estimated = () => estimateSentences(base.text, seconds, speech);
  if (!decoded.alignment || base.text === '') {
    return { ...base, words: base.text === '' ? [] : null, estimated: estimated() };
  }
  try {
    const words = wordTimes({
      decode: (ids) => tokenizer.decode(ids),
      tokenIds: decoded.tokenIds,
      tokenLogProbs: decoded.tokenLogProbs,
      alignment: decoded.alignment,
      chunkStartSeconds: seconds.startSeconds,
      chunkEndSeconds: seconds.endSeconds,
      speech,
    });
    return { ...base, words, estimated: [] };
  } catch {
    const where = `${seconds.startSeconds.toFixed(1)}-${seconds.endSeconds.toFixed(1)} s`;
    const warnings = [
      `Word times could not be found for ${where}; its sentences have estimated times.`,
    ];
    return { ...base, words: null, estimated: estimated(), warnings };
  }
}

function spanOf(chunk: SpeechChunk, waveform: SpooledWaveform): AudioSpan {
  const { startSample, endSample } = chunk;
  return { path: waveform.path, startSample, sampleCount: endSample - startSample };
}

function toSeconds(samples: number): number {
  return samples / SAMPLE_RATE;
}
