/** The answer of `POST /transcribe`: the wire's snake_case, and the one crossing from `Transcript` to it. */
import { z } from 'zod';
import { TranscriptionChar, toChars } from '#shared/contracts/char-alignments.ts';
import { toMilli } from '#shared/contracts/milli.ts';
import type {
  AnyTranscript,
  Coverage,
  Segment,
  TimeSpan,
  Word,
} from '#shared/contracts/transcript.ts';
import {
  TranscriptionSpeaker,
  TranscriptionTurn,
  TranscriptionUtterance,
  toSpeakerMembers,
} from '#shared/contracts/utterances.ts';

/** Who speaks, on words and sentences alike; present where it is known. */
const SPOKEN = {
  speaker: z.string().optional(),
  speaker_confidence: z
    .number()
    .optional()
    .describe('Share of the time in which this speaker is heard, 0 to 1.'),
  overlap: z.boolean().optional().describe('Another speaker talks at the same time.'),
  language: z.string().optional().describe('Where the recording changes its language.'),
};

/** A word with its times in seconds. */
export const TranscriptionWord = z.object({
  word: z.string(),
  start: z.number(),
  end: z.number(),
  score: z.number().describe('Probability, 0 to 1.'),
  ...SPOKEN,
  timing: z
    .enum(['aligned', 'interpolated', 'attention', 'estimated'])
    .optional()
    .describe('How its times were found.'),
  alignment_score: z.number().optional().describe('Of the forced alignment, 0 to 1.'),
});

export const TranscriptionSegment = z.object({
  start: z.number(),
  end: z.number(),
  text: z.string(),
  ...SPOKEN,
  words: z.array(TranscriptionWord).optional().describe('Its words once more, as in whisperX.'),
  chars: z
    .array(TranscriptionChar)
    .optional()
    .describe('With `return_char_alignments`: every character; times where the aligner knows it.'),
});

const Span = z.object({ start: z.number(), end: z.number() });

/** How much of the speech became words. */
export const TranscriptionCoverage = z.object({
  speech_seconds: z.number().describe('What voice activity takes for speech.'),
  transcribed_seconds: z.number(),
  recovered: z.array(Span).describe('Speech that got its words in a second attempt.'),
  missing: z.array(Span).describe('Speech without words even so.'),
});

/** Times are in seconds, rounded to milliseconds. Members may be added, none is removed. */
export const TranscriptionResponse = z.object({
  text: z.string(),
  language: z.string(),
  model: z.string().describe('`whisperx-` and the name of the model, or `voxtral-…`.'),
  latency_ms: z.number().int().describe('From the first byte of the request to the answer.'),
  duration_seconds: z.number(),
  words: z.array(TranscriptionWord).nullable().describe('null when no word times were asked for.'),
  segments: z.array(TranscriptionSegment).nullable(),
  speakers: z
    .array(z.string())
    .nullable()
    .describe('By first appearance; null when speakers were not asked for, or not found.'),
  utterances: z
    .array(TranscriptionUtterance)
    .optional()
    .describe('Sentences of one speaker in a row. This and the next three: with speakers only.'),
  speaker_map: z
    .record(z.string(), z.string())
    .optional()
    .describe('Number of a speaker → name, e.g. `{"0": "SPEAKER_00"}`.'),
  speaker_details: z.array(TranscriptionSpeaker).optional(),
  turns: z.array(TranscriptionTurn).optional().describe('Who speaks when; turns may overlap.'),
  coverage: TranscriptionCoverage.optional(),
  language_probability: z.number().optional(),
  languages: z.array(z.object({ language: z.string(), probability: z.number() })).optional(),
  primary_language: z.string().optional(),
  warnings: z.array(z.string()),
  timings_ms: z.record(z.string(), z.number()),
  request_id: z.string(),
});

export type TranscriptionWord = z.infer<typeof TranscriptionWord>;
export type TranscriptionSegment = z.infer<typeof TranscriptionSegment>;
export type TranscriptionCoverage = z.infer<typeof TranscriptionCoverage>;
export type TranscriptionResponse = z.infer<typeof TranscriptionResponse>;

/** What the answer holds besides the transcript. */
export interface ResponseContext {
  readonly requestId: string;
  readonly latencyMs: number;
}

/** Writes a transcript in the wire's words. */
export function toTranscriptionResponse(
  transcript: AnyTranscript,
  context: ResponseContext,
): TranscriptionResponse {
  const { languages, segments, hasWordTimes, coverage } = transcript;
  const main = languages.find((share) => share.language === transcript.language);
  return {
    text: transcript.text,
    language: transcript.language,
    model: toWireModel(transcript.model),
    latency_ms: Math.round(context.latencyMs),
    duration_seconds: toMilli(transcript.durationSeconds),
    words: hasWordTimes ? segments.flatMap(({ words }) => words.map(toWord)) : null,
    segments: segments.map((segment) => toSegment(segment, hasWordTimes)),
    ...toSpeakerMembers(transcript),
    ...(coverage !== undefined && { coverage: toCoverage(coverage) }),
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

/** Names of Voxtral say themselves what they are. */
function toWireModel(model: string): string {
  return model.startsWith('voxtral') ? model : `whisperx-${model}`;
}

function toWord(word: Word): TranscriptionWord {
  return {
    word: word.text,
    start: toMilli(word.startSeconds),
    end: toMilli(word.endSeconds),
    score: toMilli(word.score),
    ...toSpoken(word),
    ...(word.timing !== undefined && { timing: word.timing }),
    ...(word.alignmentScore !== undefined && { alignment_score: toMilli(word.alignmentScore) }),
  };
}

function toSegment(segment: Segment, hasWordTimes: boolean): TranscriptionSegment {
  const chars = toChars(segment);
  return {
    start: toMilli(segment.startSeconds),
    end: toMilli(segment.endSeconds),
    text: segment.text,
    ...toSpoken(segment),
    ...(hasWordTimes && { words: segment.words.map(toWord) }),
    ...(chars !== undefined && { chars }),
  };
}

function toSpoken(spoken: Word | Segment) {
  const { speaker, speakerConfidence, isOverlapped, language } = spoken;
  return {
    ...(speaker !== undefined && { speaker }),
    ...(speakerConfidence !== undefined && { speaker_confidence: toMilli(speakerConfidence) }),
    ...(isOverlapped !== undefined && { overlap: isOverlapped }),
    ...(language !== undefined && { language }),
  };
}

function toCoverage(coverage: Coverage): TranscriptionCoverage {
  return {
    speech_seconds: toMilli(coverage.speechSeconds),
    transcribed_seconds: toMilli(coverage.transcribedSeconds),
    recovered: coverage.recovered.map(toSpan),
    missing: coverage.missing.map(toSpan),
  };
}

function toSpan({ startSeconds, endSeconds }: TimeSpan) {
  return { start: toMilli(startSeconds), end: toMilli(endSeconds) };
}

function roundAll(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Math.round(value)]));
}
