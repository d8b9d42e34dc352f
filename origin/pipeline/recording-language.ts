/** Which language a recording is in when nothing needs to be detected, and whether the model knows what is asked for. */
import type { LanguageVote } from '#origin/whisper/language-vote.ts';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';

/** What a model's tokenizer says of its languages. */
export interface ModelLanguages {
  readonly isMultilingual: boolean;
  /** Language code → token id; empty for English-only models. */
  readonly languageIds: ReadonlyMap<string, number>;
}

type AskedLanguages = Pick<TranscribeOptions, 'language' | 'languages'>;

/**
 * The language when no detection is needed: the caller's, or that of an English-only model.
 *
 * @throws SttException `invalid_fields` when the model does not know the language, or none of those allowed
 */
export function givenLanguage(
  { language, languages = [] }: AskedLanguages,
  model: ModelLanguages,
): LanguageVote | null {
  if (language !== undefined) {
    if (!knows(model, language)) throw unknownLanguage('language', [language], model);
    return certain(language);
  }
  const known = languages.filter((code) => knows(model, code));
  if (languages.length > 0 && known.length === 0) {
    throw unknownLanguage('languages', languages, model);
  }
  if (!model.isMultilingual) return certain('en');
  const [only, ...others] = known;
  return only !== undefined && others.length === 0 ? certain(only) : null;
}

function knows({ isMultilingual, languageIds }: ModelLanguages, code: string): boolean {
  return isMultilingual ? languageIds.has(code) : code === 'en';
}

function unknownLanguage(
  field: 'language' | 'languages',
  asked: readonly string[],
  { isMultilingual, languageIds }: ModelLanguages,
): SttException {
  const list = asked.map((code) => `"${code}"`).join(', ');
  const known = isMultilingual ? [...languageIds.keys()].sort().join(', ') : 'en only';
  const message = `The model does not know ${list}. It knows: ${known}.`;
  return new SttException({
    kind: 'invalid_fields',
    faults: [{ field, message, type: 'value_error' }],
  });
}

function certain(language: string): LanguageVote {
  return { language, probability: 1, languages: [{ language, probability: 1 }] };
}
