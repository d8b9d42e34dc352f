/**
 * Mistral's answer → our transcript. What Mistral does not say is not made up: coverage is absent, a language nobody
 * knows is `und`, and words without a probability have the score 0, with a warning.
 */
import { findLanguage } from '#shared/contracts/languages.ts';
import type { AnyTranscript, Segment } from '#shared/contracts/transcript.ts';
import type { MistralAnswer } from '#shared/mistral/answer.ts';
import { joinWords } from '#shared/mistral/join-words.ts';
import type { Piece } from '#shared/mistral/piece.ts';
import type { MistralRequest } from '#shared/mistral/request.ts';
import { labelSpeakers, toDiarization } from '#shared/mistral/speakers.ts';
import { settleTimes } from '#shared/mistral/times.ts';

/** What the answer is an answer to. */
export interface AnswerContext {
  readonly request: MistralRequest;
  readonly model: { readonly id: string };
  /** Where somebody measured it; else it is what Mistral counted. */
  readonly durationSeconds?: number;
}

export function toTranscript(
  answer: MistralAnswer,
  context: AnswerContext,
  tookMs: number,
): AnyTranscript {
  const { request } = context;
  const text = answer.text.trim();
  const items = settleTimes(answer, context.durationSeconds);
  const spoken = request.diarize ? labelSpeakers(items.pieces) : items.pieces.map(dropSpeaker);
  const hasWordTimes = request.granularity === 'word' && spoken.length > 0;
  const segments = toSegments(spoken, {
    hasWordTimes,
    text,
    durationSeconds: items.durationSeconds,
  });
  const diarization = request.diarize ? toDiarization(segments) : null;
  const language = chooseLanguage(answer, request);
  return {
    text,
    language,
    languages: isNamed(request) ? [{ language, probability: 1 }] : [],
    model: chooseName(answer.model, context.model.id),
    durationSeconds: items.durationSeconds,
    segments,
    hasWordTimes,
    ...(diarization !== null && { diarization }),
    warnings: [
      ...request.warnings,
      ...listWarnings({
        hasText: text !== '',
        lacksTimes: request.granularity !== null && spoken.length === 0,
        lacksSpeakers: request.diarize && diarization === null,
        lacksScores: hasWordTimes && spoken.some(({ score }) => score === null),
        lacksLanguage: language === UNKNOWN_LANGUAGE,
      }),
    ],
    timingsMs: { transcribe: tookMs },
  };
}

/** ISO 639-2 for "undetermined". */
const UNKNOWN_LANGUAGE = 'und';

function toSegments(
  pieces: readonly Piece[],
  whole: {
    readonly hasWordTimes: boolean;
    readonly text: string;
    readonly durationSeconds: number;
  },
): Segment[] {
  if (whole.hasWordTimes) return joinWords(pieces);
  if (pieces.length > 0) return pieces.map(toSegment);
  if (whole.text === '') return [];
  return [{ text: whole.text, startSeconds: 0, endSeconds: whole.durationSeconds, words: [] }];
}

function toSegment({ text, startSeconds, endSeconds, speaker }: Piece): Segment {
  return { text, startSeconds, endSeconds, words: [], ...(speaker !== null && { speaker }) };
}

function dropSpeaker(piece: Piece): Piece {
  return { ...piece, speaker: null };
}

/** The language was sent, so there was nothing to detect. */
function isNamed({ fields }: MistralRequest): boolean {
  return fields.some(([name]) => name === 'language');
}

function chooseLanguage({ language }: MistralAnswer, request: MistralRequest): string {
  const detected = typeof language === 'string' ? findLanguage(language.slice(0, 64)) : null;
  return detected ?? request.language ?? UNKNOWN_LANGUAGE;
}

/** The model that really answered, as a moving name may not tell. It goes into our answer, so it has to look like one. */
function chooseName(answered: string | null | undefined, asked: string): string {
  const looksRight = typeof answered === 'string' && /^voxtral[\w.-]{0,60}$/.test(answered);
  return looksRight ? answered : asked;
}

function listWarnings(found: {
  readonly hasText: boolean;
  readonly lacksTimes: boolean;
  readonly lacksSpeakers: boolean;
  readonly lacksScores: boolean;
  readonly lacksLanguage: boolean;
}): string[] {
  if (!found.hasText) return [];
  return [
    ...(found.lacksTimes ? ['Voxtral gave no times for this recording.'] : []),
    ...(found.lacksSpeakers ? ['Voxtral found no speakers in this recording.'] : []),
    ...(found.lacksScores
      ? ['Voxtral gives no probability for some words; their score is 0 and says nothing.']
      : []),
    ...(found.lacksLanguage ? ['Voxtral did not say which language it heard.'] : []),
  ];
}
