/** One recording on its way through the stages, and what is known of each of its chunks. */
import type { AlignedWord } from '#origin/align/words.ts';
import { SAMPLE_RATE, type SpooledWaveform } from '#origin/audio/waveform.ts';
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import type { AudioSpan } from '#origin/engine/protocol.ts';
import type { FindAligner } from '#origin/pipeline/aligners.ts';
import type { StageTimes } from '#origin/pipeline/stage-times.ts';
import type { SampleRange, SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import type { WindowGeometry } from '#origin/vad/frame-grid.ts';
import type { LanguageVote } from '#origin/whisper/language-vote.ts';
import type { SearchPlan } from '#origin/whisper/search-plan.ts';
import type { WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import type { Segment, TimeSpan, TranscribeOptions } from '#shared/contracts/transcript.ts';

export interface RecordingJob {
  readonly waveform: SpooledWaveform;
  readonly options: TranscribeOptions;
  /** Canonical name of the model. */
  readonly model: string;
  readonly tokenizer: WhisperTokenizer;
  readonly findAligner: FindAligner;
  /** Taken when nobody named a language and detection is unsure. */
  readonly languageHint: string;
  readonly scheduler: EngineScheduler;
  /** Windows of the segmentation model. */
  readonly window: WindowGeometry;
  readonly times: StageTimes;
  readonly plan: SearchPlan;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/** A chunk whose language is known. */
export interface VotedChunk extends SpeechChunk {
  /** This chunk's own language; the shares are its own too where it is surer of it than the recording. */
  readonly vote: LanguageVote;
  /** The language that its text will be in: English for a translation. */
  readonly textLanguage: string;
}

/** What is known of one chunk when it is done. */
export interface ChunkResult extends TimeSpan {
  readonly vote: LanguageVote;
  readonly text: string;
  /** Null where times were not asked for or could not be found. */
  readonly words: readonly AlignedWord[] | null;
  /** Sentences with estimated times, in place of words. */
  readonly estimated: readonly Segment[];
  /** What voice activity found in it. */
  readonly speech: readonly TimeSpan[];
  /** Speech that got its words in a second attempt, and speech without words even so. */
  readonly recovered: readonly TimeSpan[];
  readonly missing: readonly TimeSpan[];
  readonly warnings: readonly string[];
}

/** Seconds of a stretch of samples. */
export function toTimeSpan({ startSample, endSample }: SampleRange): TimeSpan {
  return { startSeconds: startSample / SAMPLE_RATE, endSeconds: endSample / SAMPLE_RATE };
}

/** A stretch of the recording as the engine reads it. */
export function spanOf(range: SampleRange, waveform: SpooledWaveform): AudioSpan {
  const { startSample, endSample } = range;
  return { path: waveform.path, startSample, sampleCount: endSample - startSample };
}
