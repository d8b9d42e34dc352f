/** What the stand-in hears, whatever the file holds: two people, two sentences. */
import type { ReadForm } from '#test/support/mistral-stand-in/read-form.ts';

export interface StandInAnswer {
  readonly whole: Readonly<Record<string, unknown>>;
  /** The last one is `transcription.done`. */
  readonly events: readonly (Readonly<Record<string, unknown>> & { readonly type: string })[];
}

export const STAND_IN_TEXT = 'Guten Morgen. Wie geht es dir?';

const SENTENCES = [
  { text: ' Guten Morgen.', start: 0.25, end: 1, score: null, speaker_id: 'speaker_2' },
  { text: ' Wie geht es dir?', start: 1.5, end: 3, score: null, speaker_id: 'speaker_1' },
];

const WORDS = [
  { text: ' Guten', start: 0.25, end: 0.5, score: 0.9 },
  { text: ' Morgen.', start: 0.5, end: 1, score: 0.8 },
  { text: ' Wie', start: 1.5, end: 1.75, score: 0.95 },
  { text: ' geht', start: 1.75, end: 2, score: 0.9 },
  { text: ' es', start: 2, end: 2.25, score: 0.9 },
  { text: ' dir?', start: 2.25, end: 3, score: 0.7 },
];

/** Language and times together give an empty text, as in the real service. */
export function answerFor({ fields, file }: ReadForm): StandInAnswer {
  const find = (name: string) => fields.find(([key]) => key === name)?.[1];
  const granularity = find('timestamp_granularities');
  const isEmpty = granularity !== undefined && find('language') !== undefined;
  const text = isEmpty || file?.sizeBytes === 0 ? '' : STAND_IN_TEXT;
  const segments = text === '' ? [] : toSegments(granularity, find('diarize') === 'true');
  const whole = {
    model: find('model'),
    text,
    language: find('language') ?? 'de',
    ...(granularity !== undefined && { segments }),
    usage: {
      prompt_tokens: 4,
      completion_tokens: 12,
      total_tokens: 16,
      prompt_audio_seconds: 4,
      num_cached_tokens: null,
    },
  };
  return {
    whole,
    events: [
      { type: 'transcription.language', audio_language: 'de' },
      { type: 'transcription.text.delta', text: text.slice(0, 13) },
      { type: 'transcription.text.delta', text: text.slice(13) },
      ...segments.map((segment) => ({ ...segment, type: 'transcription.segment' })),
      { ...whole, type: 'transcription.done' },
    ],
  };
}

function toSegments(granularity: string | undefined, diarize: boolean) {
  const chosen = granularity === 'word' ? WORDS : SENTENCES;
  return chosen.map((segment) => ({
    type: 'transcription_segment',
    ...segment,
    ...(!diarize && { speaker_id: null }),
  }));
}
