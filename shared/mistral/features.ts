/** What a model of Mistral's can give, in the words of routing. */
import type { MistralModel } from '#shared/mistral/capabilities.ts';
import type { Feature } from '#shared/routing/backends.ts';

/**
 * From the model's entry in the table. `language_hint` counts as given: where a language cannot be sent, the model hears
 * which of its few languages it is, and the answer has a warning. Nobody who prefers Voxtral means to lose it over that.
 */
export function featuresOfModel(model: MistralModel): readonly Feature[] {
  const { timestamps, canDiarize, bias } = model;
  const has: readonly (readonly [Feature, boolean])[] = [
    ['word_times', timestamps.includes('word')],
    ['segment_times', timestamps.includes('segment')],
    ['diarization', canDiarize],
    ['hotwords', bias.maxItems > 0],
    ['language_hint', true],
  ];
  return has.filter(([, given]) => given).map(([feature]) => feature);
}
