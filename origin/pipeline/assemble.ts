/** Chunk results → one transcript. */
import { splitSentences } from '#origin/align/sentences.ts';
import { joinTexts } from '#origin/align/unspaced-scripts.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
import type {
  Coverage,
  Segment,
  TimeSpan,
  TranscribeOptions,
  Transcript,
} from '#shared/contracts/transcript.ts';

export interface RecordingFacts {
  readonly options: TranscribeOptions;
  readonly model: string;
  /** The answer's language when nothing was said. */
  readonly languageHint: string;
  readonly durationSeconds: number;
  /** The file broke off or was damaged. */
  readonly truncated: boolean;
  readonly timingsMs: Record<string, number>;
}

export function assembleTranscript(
  chunks: readonly ChunkResult[],
  facts: RecordingFacts,
): Transcript {
  const { options } = facts;
  const vote = chunks[0]?.vote;
  const language = vote?.language ?? options.language ?? facts.languageHint;
  const warnings = chunks.flatMap((chunk) => chunk.warnings);
  if (facts.truncated) {
    const end = facts.durationSeconds.toFixed(1);
    warnings.unshift(`The file breaks off or is damaged; the first ${end} s could be read.`);
  }
  return {
    text: joinTexts(chunks.map(({ text }) => text).filter((text) => text !== '')),
    language: options.task === 'translate' ? 'en' : language,
    languages: (vote?.languages ?? []).filter(({ probability }) => probability >= LEAST_SHARE),
    model: facts.model,
    durationSeconds: facts.durationSeconds,
    segments: segmentsOf(chunks),
    hasWordTimes: options.align && chunks.every(({ words }) => words !== null),
    coverage: coverageOf(chunks),
    warnings,
    timingsMs: facts.timingsMs,
  };
}

function coverageOf(chunks: readonly ChunkResult[]): Coverage {
  const seconds = (spans: readonly TimeSpan[]) =>
    spans.reduce((sum, { startSeconds, endSeconds }) => sum + endSeconds - startSeconds, 0);
  const missing = chunks.flatMap((chunk) => chunk.missing);
  const speechSeconds = seconds(chunks.flatMap(({ speech }) => speech));
  return {
    speechSeconds,
    transcribedSeconds: Math.max(0, speechSeconds - seconds(missing)),
    recovered: chunks.flatMap(({ recovered }) => recovered),
    missing,
  };
}

/** Languages below this share are noise of the detection. */
const LEAST_SHARE = 0.01;

/** Sentences run across chunks as long as words have times. */
function segmentsOf(chunks: readonly ChunkResult[]): Segment[] {
  const segments: Segment[] = [];
  let words: AlignedWord[] = [];
  const flush = () => {
    segments.push(...splitSentences(words));
    words = [];
  };
  for (const chunk of chunks) {
    if (chunk.words) {
      words.push(...chunk.words);
      continue;
    }
    flush();
    segments.push(...chunk.estimated);
  }
  flush();
  return segments;
}
