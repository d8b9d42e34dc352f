import { readCtcVocabulary } from '#models/ctc-vocabulary.ts';
import { loadNumberSpeller, type NumberSpeller } from '#origin/align/ctc/number-words.ts';
import type { SignVocabulary } from '#origin/align/ctc/vocabulary.ts';
import type { InstalledAligner, ModelCatalogue } from '#origin/pipeline/model-catalogue.ts';

/** An aligner and what planning for it takes. */
export interface ReadyAligner {
  /** Its name, for the engine. */
  readonly name: string;
  readonly vocabulary: SignVocabulary;
  /** Null where numbers of the language cannot be spelled. */
  readonly speller: NumberSpeller | null;
}

/** Finds the aligner of a language; null where none is installed. Asked anew each time: models may be pulled meanwhile. */
export type FindAligner = (language: string) => Promise<ReadyAligner | null>;

export function alignersOf(catalogue: Pick<ModelCatalogue, 'aligner'>): FindAligner {
  const vocabularies = new Map<string, SignVocabulary>();
  return async (language) => {
    const installed = catalogue.aligner(language);
    if (installed === null) return null;
    const key = `${installed.dir} ${language}`;
    const vocabulary = vocabularies.get(key) ?? readSigns(installed, language);
    vocabularies.set(key, vocabulary);
    return { name: installed.name, vocabulary, speller: await loadNumberSpeller(language) };
  };
}

function readSigns({ dir, isForAny }: InstalledAligner, language: string): SignVocabulary {
  const { blankId, wordDelimiterId, ids } = readCtcVocabulary(dir, language);
  // Those for any language are taught with romanised text.
  const signs = { blankId, wordDelimiterId, isRomanised: isForAny };
  return { ...signs, idOf: (character) => ids.get(character) ?? null };
}
