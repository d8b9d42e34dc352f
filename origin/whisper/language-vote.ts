/** The hint must have at least this share of the best language's probability … */
const HINT_SHARE = 0.5;
/** … unless even the best is a guess. */
const ANYTHING_BELOW = 0.2;

/** One stretch of audio's opinion. */
export interface LanguageBallot {
  /** Probability per language, in the order of `languages`; sums to 1. */
  readonly probabilities: ArrayLike<number>;
  /** Seconds of speech the opinion rests on; a ballot without any does not count. */
  readonly speechSeconds: number;
}

export interface LanguageVoteOptions {
  /** Only these may win. Absent or empty: all. */
  readonly allowed?: readonly string[] | undefined;
  /** The language when detection is unsure or there is nothing to detect from. */
  readonly hint?: string | undefined;
}

export interface LanguageVote {
  readonly language: string;
  /** Share of the language chosen, 0..1. */
  readonly probability: number;
  /** Every language that could win, most probable first; probabilities sum to 1. */
  readonly languages: readonly { readonly language: string; readonly probability: number }[];
}

/**
 * Below this the hint decides. Two languages that share a recording evenly, or near relatives mistaken for one
 * another (es/gl, hi/ur), stay below; clear speech is above 0.9.
 */
export const UNSURE_BELOW = 0.5;

/**
 * Which language the recording is in: the mean of the chunks' probabilities, weighted by seconds of speech. The mean
 * of probabilities, not of their logarithms: a chunk of music or a cough that is wrongly sure gives every other
 * language a logarithm near -10, and would outvote nine good chunks; here it has its own share and no more. And the
 * result is readable as the share of the speech in each language, which mixed recordings need.
 *
 * The hint wins when the best share is below {@link UNSURE_BELOW} and the hint's own is at least half of it, or when
 * even the best is below 0.2; if it may win at all and the model knows it.
 *
 * @param languages codes in the order of the ballots' columns
 * @throws RangeError when none of `allowed` is among `languages`
 */
export function voteLanguage(
  languages: readonly string[],
  ballots: readonly LanguageBallot[],
  options: LanguageVoteOptions = {},
): LanguageVote {
  const { allowed, hint } = options;
  const candidates = languages.filter((code) => !allowed?.length || allowed.includes(code));
  if (candidates.length === 0) {
    throw new RangeError(`The model knows none of the languages allowed: ${allowed?.join(', ')}.`);
  }
  const ranking = rank(candidates, shares(languages, ballots));
  const best = ranking[0]!;
  const hinted = ranking.find(({ language }) => language === hint);
  const isUnsure = best.probability < UNSURE_BELOW;
  const isClose = hinted && hinted.probability >= best.probability * HINT_SHARE;
  const winner =
    isUnsure && hinted && (isClose || best.probability < ANYTHING_BELOW) ? hinted : best;
  return { ...winner, languages: ranking };
}

/** Weighted mean of the ballots; all zeros when none has speech. */
function shares(languages: readonly string[], ballots: readonly LanguageBallot[]) {
  const sums = new Map(languages.map((code) => [code, 0]));
  for (const { probabilities, speechSeconds } of ballots) {
    if (!(speechSeconds > 0)) continue;
    languages.forEach((code, column) => {
      sums.set(code, sums.get(code)! + speechSeconds * probabilities[column]!);
    });
  }
  return sums;
}

/** Normalised over the candidates; even where there is no evidence at all. */
function rank(candidates: readonly string[], sums: ReadonlyMap<string, number>) {
  const total = candidates.reduce((sum, code) => sum + sums.get(code)!, 0);
  return candidates
    .map((language) => ({
      language,
      probability: total > 0 ? sums.get(language)! / total : 1 / candidates.length,
    }))
    .sort((a, b) => b.probability - a.probability);
}
