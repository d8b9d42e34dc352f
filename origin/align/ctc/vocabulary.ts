/** The signs a CTC model knows, as far as alignment asks. */
export interface SignVocabulary {
  readonly blankId: number;
  /** Token between words; null where the model marks none. */
  readonly wordDelimiterId: number | null;
  /** The model hears all languages in Latin letters, lower case; other scripts are written in them first. */
  readonly isRomanised?: boolean;
  /** Token of one character (code point) as the model spells it, case and all; null where there is none. */
  idOf(character: string): number | null;
}
