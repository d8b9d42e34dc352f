import { isDoubtful } from '#origin/whisper/language-doubt.ts';

/** What detection says of one stretch of audio, among the languages that may be chosen. */
export interface LanguageOpinion {
  readonly best: string;
  /** Probability per allowed language; they sum to 1. */
  readonly probabilities: ReadonlyMap<string, number>;
  /** Probability that the detector gave to all allowed languages together, 0..1. */
  readonly mass: number;
  readonly speechSeconds: number;
}

/** @param row probability per language, in the order of `languages` */
export function toOpinion(
  languages: readonly string[],
  row: ArrayLike<number>,
  options: { readonly allowed?: readonly string[] | undefined; readonly speechSeconds: number },
): LanguageOpinion {
  const { allowed, speechSeconds } = options;
  const candidates = languages
    .map((language, column) => ({ language, share: row[column] ?? 0 }))
    .filter(({ language }) => !allowed?.length || allowed.includes(language));
  const mass = candidates.reduce((sum, { share }) => sum + share, 0);
  const even = 1 / Math.max(1, candidates.length);
  const probabilities = new Map(
    candidates.map(({ language, share }) => [language, mass > 0 ? share / mass : even]),
  );
  const best = [...probabilities].reduce((a, b) => (b[1] > a[1] ? b : a), ['', -1] as const)[0];
  return { best, probabilities, mass, speechSeconds };
}

/** Where the allowed languages have less than this in sum, the stretch may well be in none of them. */
export const FULL_MASS = 0.5;

/** Below this certainty a stretch is not taken for one in its best language. */
const SURE = 0.8;

/** Whether the stretch is in its best language, as far as one stretch can tell. */
export function isSure(opinion: LanguageOpinion): boolean {
  return opinion.mass >= FULL_MASS && certainty(opinion) >= SURE;
}

/** Detection of clear speech in one language is above this. */
const CLEAR = 0.98;
/** A second language in a chunk keeps at least this much, however short its part: 4 s of 23 s kept 0.02 to 0.3. */
const RIVAL = 0.015;

/**
 * Whether a chunk may hold a second language: the detection of mixed speech leaves some probability to each, though
 * often little to one of them. What is left to relatives and to languages hardly known says nothing.
 *
 * @param languages in the model's order
 */
export function mayBeMixed(opinion: LanguageOpinion, languages: readonly string[]): boolean {
  const { best, probabilities, mass } = opinion;
  if (mass < FULL_MASS || certainty(opinion) >= CLEAR) return false;
  return [...probabilities].some(
    ([language, probability]) =>
      language !== best && probability >= RIVAL && !isDoubtful(language, best, languages),
  );
}

/** Probability of the best language, 0..1. */
export function certainty({ best, probabilities }: LanguageOpinion): number {
  return probabilities.get(best) ?? 0;
}
