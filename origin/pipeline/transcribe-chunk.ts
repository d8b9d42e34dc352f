/** One chunk: decode → place its words in time. */
import { estimateSentences } from '#origin/align/sentences.ts';
import { wordTimes } from '#origin/align/words.ts';
import { loudestDb } from '#origin/audio/loudness.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import {
  type ChunkResult,
  type RecordingJob,
  spanOf,
  toTimeSpan,
  type VotedChunk,
} from '#origin/pipeline/recording-job.ts';
import { type ChunkText, decodeWithFallback } from '#origin/whisper/decode-with-fallback.ts';
import { buildPrompt } from '#origin/whisper/prompt.ts';

export async function transcribeChunk(
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
  const seconds = toTimeSpan(chunk);
  const speech = chunk.regions.map(toTimeSpan);
  const base = {
    ...seconds,
    vote: chunk.vote,
    text: decoded.text.trim(),
    speech,
    recovered: [],
    missing: [],
    warnings: [],
  };
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
