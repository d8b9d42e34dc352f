/** What Mistral answers: the JSON of a whole answer, and the events of a streamed one. */
import { z } from 'zod';

/** A sentence, or a word where times of words were asked for. Its text may begin with a space. */
export const MistralSegment = z.object({
  text: z.string(),
  start: z.number().nullish(),
  end: z.number().nullish(),
  score: z.number().nullish(),
  speaker_id: z.string().nullish(),
});

/** Unknown members are left out: the API grows. */
export const MistralAnswer = z.object({
  model: z.string().nullish(),
  text: z.string(),
  language: z.string().nullish(),
  segments: z.array(MistralSegment).nullish(),
  usage: z.object({ prompt_audio_seconds: z.number().nullish() }).nullish(),
});

/** What comes before the last event, for callers who want to see the text grow. */
export const MistralProgress = z.discriminatedUnion('type', [
  z.object({ type: z.literal('transcription.language'), audio_language: z.string() }),
  z.object({ type: z.literal('transcription.text.delta'), text: z.string() }),
  MistralSegment.extend({ type: z.literal('transcription.segment') }),
]);

export const MistralDone = MistralAnswer.extend({ type: z.literal('transcription.done') });

export type MistralSegment = z.infer<typeof MistralSegment>;
export type MistralAnswer = z.infer<typeof MistralAnswer>;
export type MistralDone = z.infer<typeof MistralDone>;
export type MistralProgress = z.infer<typeof MistralProgress>;
