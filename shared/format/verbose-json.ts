/** OpenAI's `verbose_json`. */
import { toMilli } from '#shared/contracts/milli.ts';
import type { AnyTranscript, Segment } from '#shared/contracts/transcript.ts';
import { languageName } from '#shared/format/language-names.ts';
import type { TimestampGranularity } from '#shared/format/options.ts';

export interface VerboseJson {
  readonly task: 'transcribe' | 'translate';
  /** English name in lower case. */
  readonly language: string;
  readonly duration: number;
  readonly text: string;
  readonly segments?: readonly VerboseSegment[];
  readonly words?: readonly VerboseWord[];
  readonly usage: { readonly type: 'duration'; readonly seconds: number };
  /** Ours: OpenAI has none. */
  readonly warnings: readonly string[];
}

/**
 * Strict clients want every member. What the pipeline decides on before there is an answer stands at the value that
 * means "nothing wrong": `temperature` and `no_speech_prob` 0, `compression_ratio` 1, `tokens` empty.
 */
export interface VerboseSegment {
  readonly id: number;
  /** Start in hundredths of a second. */
  readonly seek: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly temperature: number;
  /** Mean over the words' probabilities; 0 without word times. */
  readonly avg_logprob: number;
  readonly compression_ratio: number;
  readonly no_speech_prob: number;
  /** Ours. */
  readonly speaker?: string;
}

export interface VerboseWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** Ours. */
  readonly speaker?: string;
}

/** Lists what has times as far as asked for. */
export function toVerboseJson(
  transcript: AnyTranscript,
  options: { task: VerboseJson['task']; granularities: readonly TimestampGranularity[] },
): VerboseJson {
  const { language, durationSeconds, text, segments, warnings } = transcript;
  const { task, granularities } = options;
  return {
    task,
    language: languageName(language),
    duration: toMilli(durationSeconds),
    text,
    ...(granularities.includes('segment') && { segments: segments.map(toVerboseSegment) }),
    ...(granularities.includes('word') && { words: segments.flatMap(toVerboseWords) }),
    usage: { type: 'duration', seconds: Math.ceil(durationSeconds) },
    warnings,
  };
}

function toVerboseSegment(segment: Segment, id: number): VerboseSegment {
  const { startSeconds, endSeconds, text, words, speaker } = segment;
  const logs = words.map(({ score }) => Math.log(Math.max(score, 1e-6)));
  const mean = logs.reduce((sum, log) => sum + log, 0) / Math.max(1, logs.length);
  return {
    id,
    seek: Math.round(startSeconds * 100),
    start: toMilli(startSeconds),
    end: toMilli(endSeconds),
    text,
    tokens: [],
    temperature: 0,
    avg_logprob: toMilli(mean),
    compression_ratio: 1,
    no_speech_prob: 0,
    ...(speaker !== undefined && { speaker }),
  };
}

function toVerboseWords({ words }: Segment): VerboseWord[] {
  return words.map(({ text, startSeconds, endSeconds, speaker }) => ({
    word: text,
    start: toMilli(startSeconds),
    end: toMilli(endSeconds),
    ...(speaker !== undefined && { speaker }),
  }));
}
