/** Who said what: the part of the answer that is there only when speakers were found. */
import { z } from 'zod';
import { toMilli } from '#shared/contracts/milli.ts';
import type { AnyTranscript, Segment, Speaker, SpeakerTurn } from '#shared/contracts/transcript.ts';
import { joinTexts } from '#shared/format/scripts.ts';

export const TranscriptionUtterance = z.object({
  speaker: z.number().int().describe('Place in `speakers`, from 0; `speaker_map` has its name.'),
  text: z.string(),
  offset: z.number().int().describe('Start in milliseconds.'),
  duration: z.number().int().describe('Milliseconds.'),
});

export const TranscriptionSpeaker = z.object({
  speaker: z.string(),
  speech_seconds: z.number().describe('Time in which the voice is heard, overlaps included.'),
  similarity: z.number().optional().describe('Cosine to the sample of a known speaker.'),
  embedding: z.array(z.number()).optional().describe('With `speaker_embeddings` only.'),
});

export const TranscriptionTurn = z.object({
  speaker: z.string(),
  start: z.number(),
  end: z.number(),
});

export type TranscriptionUtterance = z.infer<typeof TranscriptionUtterance>;
export type TranscriptionSpeaker = z.infer<typeof TranscriptionSpeaker>;
export type TranscriptionTurn = z.infer<typeof TranscriptionTurn>;

/** The members of the answer that speakers bring. */
export interface SpeakerMembers {
  speakers: string[] | null;
  utterances?: TranscriptionUtterance[];
  speaker_map?: Record<string, string>;
  speaker_details?: TranscriptionSpeaker[];
  turns?: TranscriptionTurn[];
}

/** One speaker's words in a row. `speaker` is absent where nobody knows who it was. */
export interface Utterance {
  readonly speaker?: string;
  readonly text: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Joins neighbouring sentences of one speaker, up to a pause of two seconds. */
export function toUtterances(segments: readonly Segment[]): Utterance[] {
  const runs: Segment[][] = [];
  for (const segment of segments.filter(({ text }) => text.trim() !== '')) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const goesOn =
      last !== undefined &&
      last.speaker === segment.speaker &&
      segment.startSeconds - last.endSeconds < UTTERANCE_PAUSE_SECONDS;
    if (goesOn) run?.push(segment);
    else runs.push([segment]);
  }
  return runs.map(joinRun);
}

/** `speakers` alone, as null, when there are none to tell of. */
export function toSpeakerMembers(transcript: AnyTranscript): SpeakerMembers {
  const labels = listLabels(transcript);
  if (labels === null) return { speakers: null };
  const { diarization, segments } = transcript;
  return {
    speakers: labels,
    utterances: numberUtterances(toUtterances(segments), labels),
    speaker_map: Object.fromEntries(labels.map((label, index) => [String(index), label])),
    ...(diarization !== undefined && {
      speaker_details: diarization.speakers.map(toSpeakerDetail),
      turns: diarization.turns.map(toTurn),
    }),
  };
}

/** Below it a speaker only takes breath. */
const UTTERANCE_PAUSE_SECONDS = 2;

function joinRun(run: readonly Segment[]): Utterance {
  const speaker = run[0]?.speaker;
  return {
    text: joinTexts(run.map(({ text }) => text)),
    startSeconds: run[0]?.startSeconds ?? 0,
    endSeconds: run.reduce((latest, { endSeconds }) => Math.max(latest, endSeconds), 0),
    ...(speaker !== undefined && { speaker }),
  };
}

/** By first appearance. Null when neither a diarization nor any word has a speaker. */
function listLabels({ diarization, segments }: AnyTranscript): string[] | null {
  const labels = new Set(diarization?.speakers.map(({ label }) => label));
  for (const segment of segments) {
    for (const { speaker } of [segment, ...segment.words]) {
      if (speaker !== undefined) labels.add(speaker);
    }
  }
  return diarization === undefined && labels.size === 0 ? null : [...labels];
}

/**
 * Callers of old expect a number with every utterance, so one without a known speaker is counted to the speaker
 * before it, or the first one of all. Nothing is left out, unless there is no speaker at all.
 */
function numberUtterances(
  utterances: readonly Utterance[],
  labels: readonly string[],
): TranscriptionUtterance[] {
  if (labels.length === 0) return [];
  const indexes = new Map(labels.map((label, index) => [label, index]));
  let speaker = indexes.get(utterances.find((it) => it.speaker !== undefined)?.speaker ?? '') ?? 0;
  return utterances.map((utterance) => {
    speaker = indexes.get(utterance.speaker ?? '') ?? speaker;
    const offset = Math.round(utterance.startSeconds * 1000);
    const end = Math.round(utterance.endSeconds * 1000);
    return { speaker, text: utterance.text, offset, duration: Math.max(0, end - offset) };
  });
}

function toSpeakerDetail(speaker: Speaker): TranscriptionSpeaker {
  const { label, speechSeconds, similarity, embedding } = speaker;
  return {
    speaker: label,
    speech_seconds: toMilli(speechSeconds),
    ...(similarity !== undefined && { similarity: toMilli(similarity) }),
    ...(embedding !== undefined && { embedding: embedding.map(toMillionth) }),
  };
}

function toTurn({ speaker, startSeconds, endSeconds }: SpeakerTurn): TranscriptionTurn {
  return { speaker, start: toMilli(startSeconds), end: toMilli(endSeconds) };
}

/** More than a cosine notices. */
function toMillionth(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
