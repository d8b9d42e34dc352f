/** The answer of `POST /transcribe`: the wire's snake_case, and the one crossing from `Transcript` to it. */
import { z } from 'zod';
import type { Segment, Transcript, Word } from '#shared/contracts/transcript.ts';

/** A word with its times in seconds. */
export const TranscriptionWord = z.object({
  word: z.string(),
  start: z.number(),
  end: z.number(),
  score: z.number().describe('Probability, 0 to 1.'),
  speaker: z.string().optional(),
});

export const TranscriptionSegment = z.object({
  start: z.number(),
  end: z.number(),
  text: z.string(),
  speaker: z.string().optional(),
});

/** Times are in seconds, rounded to milliseconds. Members may be added, none is removed. */
export const TranscriptionResponse = z.object({
  text: z.string(),
  language: z.string(),
  model: z.string().describe('`whisperx-` and the name of the model.'),
  latency_ms: z.number().int().describe('From the first byte of the request to the answer.'),
  duration_seconds: z.number(),
  words: z.array(TranscriptionWord).nullable().describe('null when no word times were asked for.'),
  segments: z.array(TranscriptionSegment).nullable(),
  speakers: z.array(z.string()).nullable().describe('null when speakers were not found.'),
  language_probability: z.number().optional(),
  languages: z.array(z.object({ language: z.string(), probability: z.number() })).optional(),
  primary_language: z.string().optional(),
  warnings: z.array(z.string()),
  timings_ms: z.record(z.string(), z.number()),
  request_id: z.string(),
});

export type TranscriptionWord = z.infer<typeof TranscriptionWord>;
export type TranscriptionSegment = z.infer<typeof TranscriptionSegment>;
export type TranscriptionResponse = z.infer<typeof TranscriptionResponse>;

/** What the answer holds besides the transcript. */
export interface ResponseContext {
  readonly requestId: string;
  readonly latencyMs: number;
}

/** Writes a transcript in the wire's words. */
export function toTranscriptionResponse(
  transcript: Transcript,
  context: ResponseContext,
): TranscriptionResponse {
  const { languages, segments } = transcript;
  const main = languages.find((share) => share.language === transcript.language);
  return {
    text: transcript.text,
    language: transcript.language,
    model: `whisperx-${transcript.model}`,
    latency_ms: Math.round(context.latencyMs),
    duration_seconds: toMilli(transcript.durationSeconds),
    words: transcript.hasWordTimes ? segments.flatMap(({ words }) => words.map(toWord)) : null,
    segments: segments.map(toSegment),
    speakers: listSpeakers(segments),
    ...(main !== undefined && { language_probability: toMilli(main.probability) }),
    languages: languages.map(({ language, probability }) => ({
      language,
      probability: toMilli(probability),
    })),
    primary_language: transcript.language,
    warnings: transcript.warnings,
    timings_ms: roundAll(transcript.timingsMs),
    request_id: context.requestId,
  };
}

function toWord(word: Word): TranscriptionWord {
  return {
    word: word.text,
    start: toMilli(word.startSeconds),
    end: toMilli(word.endSeconds),
    score: toMilli(word.score),
    ...(word.speaker !== undefined && { speaker: word.speaker }),
  };
}

function toSegment(segment: Segment): TranscriptionSegment {
  return {
    start: toMilli(segment.startSeconds),
    end: toMilli(segment.endSeconds),
    text: segment.text,
    ...(segment.speaker !== undefined && { speaker: segment.speaker }),
  };
}

function listSpeakers(segments: readonly Segment[]): string[] | null {
  const spoken = segments.flatMap((segment) => [segment, ...segment.words]);
  const speakers = new Set(spoken.flatMap(({ speaker }) => (speaker === undefined ? [] : speaker)));
  return speakers.size === 0 ? null : [...speakers].sort();
}

function roundAll(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Math.round(value)]));
}

/** Three decimals: milliseconds for times, and more than a score or a probability is worth. */
function toMilli(value: number): number {
  return Math.round(value * 1000) / 1000;
}
