/** Chunk results → one transcript. */
import { splitSentences } from '#origin/align/sentences.ts';
import { joinTexts } from '#origin/align/unspaced-scripts.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import { diarizeSegments } from '#origin/diarize/cut-segments.ts';
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
import { spokenLanguages } from '#origin/pipeline/spoken-languages.ts';
import { canTranslate } from '#origin/whisper/translation.ts';
import type {
  Coverage,
  Diarization,
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
  /** Null where nobody asked for speakers. */
  readonly speakers: FoundSpeakers | null;
  readonly timingsMs: Record<string, number>;
}

export interface FoundSpeakers {
  /** Null where they could not be found. */
  readonly diarization: Diarization | null;
  readonly warnings: readonly string[];
}

export function assembleTranscript(
  chunks: readonly ChunkResult[],
  facts: RecordingFacts,
): Transcript {
  const { options } = facts;
  const spoken = spokenLanguages(chunks);
  const language = spoken.main ?? options.language ?? facts.languageHint;
  const isTranslation = options.task === 'translate';
  const warnings = chunks.flatMap((chunk) => chunk.warnings);
  if (facts.truncated) {
    const end = facts.durationSeconds.toFixed(1);
    warnings.unshift(`The file breaks off or is damaged; the first ${end} s could be read.`);
  }
  if (isTranslation && language !== 'en' && !canTranslate(facts.model)) {
    warnings.unshift(
      `The model ${facts.model} was not made to translate; the text may not be English.`,
    );
  }
  warnings.push(...(facts.speakers?.warnings ?? []));
  const diarization = facts.speakers?.diarization ?? null;
  const segments = segmentsOf(chunks, { areNamed: spoken.isMixed && !isTranslation });
  return {
    text: joinTexts(chunks.map(({ text }) => text).filter((text) => text !== '')),
    language: isTranslation ? 'en' : language,
    languages: [...spoken.shares],
    model: facts.model,
    durationSeconds: facts.durationSeconds,
    segments: diarization === null ? segments : diarizeSegments(segments, diarization),
    hasWordTimes: options.align && chunks.every(({ words }) => words !== null),
    ...(diarization !== null && { diarization: toAnswer(diarization, options) }),
    coverage: coverageOf(chunks),
    warnings: [...new Set(warnings)],
    timingsMs: facts.timingsMs,
  };
}

/** Embeddings are voice prints: only for who asks. */
function toAnswer({ speakers, turns }: Diarization, options: TranscribeOptions): Diarization {
  if (options.speakerEmbeddings === true) return { speakers, turns };
  return { speakers: speakers.map(({ embedding: _, ...speaker }) => speaker), turns };
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

/**
 * Sentences run across chunks as long as words have times and the language stays.
 *
 * @param options.areNamed words and segments say which language they are in
 */
function segmentsOf(
  chunks: readonly ChunkResult[],
  { areNamed }: { readonly areNamed: boolean },
): Segment[] {
  const segments: Segment[] = [];
  let words: AlignedWord[] = [];
  let current: string | undefined;
  const flush = () => {
    const name = areNamed && current !== undefined ? { language: current } : {};
    segments.push(...splitSentences(words).map((segment) => ({ ...segment, ...name })));
    words = [];
  };
  for (const { words: timed, estimated, vote } of chunks) {
    const name = areNamed ? { language: vote.language } : {};
    if (timed === null || vote.language !== current) flush();
    current = vote.language;
    if (timed) words.push(...timed.map((word) => ({ ...word, ...name })));
    else segments.push(...estimated.map((segment) => ({ ...segment, ...name })));
  }
  flush();
  return segments;
}
