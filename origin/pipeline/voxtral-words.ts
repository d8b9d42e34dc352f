/** One piece of a recording with its text → its words in time: by an aligner of its language, else by Whisper, else by letters. */
import { lendTimes } from '#origin/align/lend-times.ts';
import { estimateSentences, estimateWords } from '#origin/align/sentences.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import { alignWords } from '#origin/pipeline/align-words.ts';
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
import type { RecordingWork } from '#origin/pipeline/recording-work.ts';
import {
  type FoundLanguages,
  type LanguageJob,
  languageOf,
} from '#origin/pipeline/voxtral-languages.ts';
import type { SampleRange } from '#origin/vad/cut-and-merge.ts';
import type { VoxtralPiece } from '#origin/voxtral/transcribe-voxtral.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';

export interface HeardBefore {
  readonly languages: FoundLanguages;
  /** What Whisper heard where there is no aligner, with times, in order. */
  readonly whisper: readonly AlignedWord[];
  /** Speech without words, of the whole recording. */
  readonly missing: readonly TimeSpan[];
}

/** @throws EngineFailure only where the whole request is over */
export async function placePiece(
  piece: VoxtralPiece,
  { languages, whisper, missing }: HeardBefore,
  { job, work }: { readonly job: LanguageJob; readonly work: RecordingWork },
): Promise<ChunkResult> {
  const { text, speech, startSeconds, endSeconds } = piece;
  const vote = languageOf(piece, languages);
  const isAligned = job.options.align;
  const base = {
    ...{ startSeconds, endSeconds, vote, text, speech, recovered: [] },
    missing: missing.filter(
      (span) => startSeconds <= span.startSeconds && span.endSeconds <= endSeconds,
    ),
  };
  if (!isAligned) {
    return {
      ...base,
      words: null,
      estimated: estimateSentences(text, piece, speech),
      warnings: [],
    };
  }
  const estimated = estimateWords(text, piece, speech);
  const lent = lendTimes(estimated, whisper.filter(isWithin(piece)), piece);
  const stretch = {
    range: toSamples(piece),
    regions: speech.map(toSamples),
    language: vote.language,
    timesFrom: lent === null ? 'letters and speech alone' : 'what Whisper heard',
  };
  const { words, warning } = await job.times.measure('align', () =>
    alignWords(lent ?? estimated, stretch, { job, context: work.context }),
  );
  const warnings = warning === null ? [] : [warning];
  return { ...base, words: words.map(withScore), estimated: [], warnings };
}

/** Pieces that were cut within speech share some sound: there a word could begin before the end of the one before it. */
export function inTimeOrder(results: readonly ChunkResult[]): ChunkResult[] {
  let earliest = 0;
  const settle = <Timed extends TimeSpan>(timed: Timed): Timed => {
    const startSeconds = Math.max(earliest, timed.startSeconds);
    const endSeconds = Math.max(startSeconds, timed.endSeconds);
    earliest = endSeconds;
    return { ...timed, startSeconds, endSeconds };
  };
  return results.map((result) => ({
    ...result,
    words: result.words?.map(settle) ?? null,
    estimated: result.estimated.map(settle),
  }));
}

function isWithin({ startSeconds, endSeconds }: TimeSpan) {
  return (word: TimeSpan) => {
    const middle = (word.startSeconds + word.endSeconds) / 2;
    return startSeconds <= middle && middle <= endSeconds;
  };
}

/** Voxtral gives no probability; how well the sound fits says as much. */
function withScore(word: AlignedWord): AlignedWord {
  return word.alignmentScore === undefined ? word : { ...word, score: word.alignmentScore };
}

function toSamples({ startSeconds, endSeconds }: TimeSpan): SampleRange {
  return {
    startSample: Math.round(startSeconds * SAMPLE_RATE),
    endSample: Math.round(endSeconds * SAMPLE_RATE),
  };
}
