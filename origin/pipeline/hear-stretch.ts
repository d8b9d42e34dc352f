/** A stretch of the recording → its text → its words in time. One place for first and second attempts. */
import { type AlignedWord, wordTimes } from '#origin/align/words.ts';
import { loudestDb } from '#origin/audio/loudness.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import { alignWords } from '#origin/pipeline/align-words.ts';
import {
  type RecordingJob,
  spanOf,
  toTimeSpan,
  type VotedChunk,
} from '#origin/pipeline/recording-job.ts';
import type { SampleRange, SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import {
  type ChunkText,
  decodeWithFallback,
  type FallbackOptions,
} from '#origin/whisper/decode-with-fallback.ts';
import { buildPrompt } from '#origin/whisper/prompt.ts';

export interface HeardStretch {
  readonly decoded: ChunkText;
  readonly text: string;
  /** Null where times were not asked for or could not be found; empty without text. */
  readonly words: readonly AlignedWord[] | null;
  /** Times were asked for and could not be found. */
  readonly isWithoutTimes: boolean;
  /** Of the forced alignment, 0..1; absent without one. */
  readonly alignmentScore?: number | undefined;
  /** Why no forced alignment was made, where the answer has to say so. */
  readonly alignmentWarning: string | null;
}

export type HearOptions = Pick<FallbackOptions, 'plan' | 'ladder' | 'isInvented' | 'align'> & {
  /** The part that must be loud enough to be heard. Absent: the whole stretch. */
  readonly sounding?: SampleRange;
};

/** Decodes one stretch, of at most 30 s, and places its words. */
export type Hear = (stretch: SpeechChunk, options: HearOptions) => Promise<HeardStretch>;

export function hearingIn(
  { vote: { language }, textLanguage }: Pick<VotedChunk, 'vote' | 'textLanguage'>,
  job: RecordingJob,
  context: WorkContext,
): Hear {
  const { tokenizer, times, options } = job;
  const { task, prompt, hotwords, beamSize, temperature } = options;
  const start = buildPrompt({ tokenizer, language, task, prompt, hotwords });
  const dependencies: Parameters<typeof decodeWithFallback>[0] = {
    tokenizer,
    decode: (item, search) => job.scheduler.decode({ model: job.model, item, search }, context),
  };
  return async (stretch, { sounding = stretch, ...attempt }) => {
    const span = spanOf(stretch, job.waveform);
    const loudest = () => loudestDb(spanOf(sounding, job.waveform));
    const decoded = await times.measure('transcribe', async () =>
      decodeWithFallback(
        dependencies,
        { span, ...start, language, loudestDb: await loudest() },
        { beamSize, temperature, ...attempt },
      ),
    );
    const alignStarted = performance.now();
    const attention = placeWords(stretch, decoded, job);
    const isWithoutTimes = attention === null && decoded.alignment !== null;
    const base = { decoded, text: decoded.text.trim(), isWithoutTimes };
    // A translation has no sound of its own to be aligned with.
    const isAligned = options.align && textLanguage === language;
    const placed =
      attention !== null && isAligned
        ? await alignWords(attention, { range: stretch, language }, { job, context })
        : { words: attention, meanScore: null, warning: null };
    times.add('align', performance.now() - alignStarted);
    const { words, meanScore, warning } = placed;
    return { ...base, words, alignmentScore: meanScore ?? undefined, alignmentWarning: warning };
  };
}

function placeWords(
  stretch: SpeechChunk,
  decoded: ChunkText,
  { tokenizer }: RecordingJob,
): AlignedWord[] | null {
  if (decoded.text.trim() === '') return [];
  if (!decoded.alignment) return null;
  const { startSeconds, endSeconds } = toTimeSpan(stretch);
  try {
    const words = wordTimes({
      decode: (ids) => tokenizer.decode(ids),
      tokenIds: decoded.tokenIds,
      tokenLogProbs: decoded.tokenLogProbs,
      alignment: decoded.alignment,
      chunkStartSeconds: startSeconds,
      chunkEndSeconds: endSeconds,
      speech: stretch.regions.map(toTimeSpan),
    });
    return words.map((word) => ({ ...word, timing: 'attention' }));
  } catch {
    return null;
  }
}
