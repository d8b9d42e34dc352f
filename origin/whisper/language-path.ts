/**
 * Opinions on stretches of a recording, in order → the language of each stretch. The likeliest path through the
 * languages (Viterbi), where each change has its price: one odd stretch, a name or music does not pay it twice, there
 * and back, while clear speech of some seconds does.
 */
import { isDoubtful } from '#origin/whisper/language-doubt.ts';
import { isSure, type LanguageOpinion } from '#origin/whisper/language-opinion.ts';
import type { LanguageVote } from '#origin/whisper/language-vote.ts';

/** Nats. Least evidence for a change, and that for a language that is easily named in error. */
const CHANGE_COST = 1.8;
const DOUBTFUL_CHANGE_COST = 2.6;
/** No stretch speaks more strongly against a language than this probability: detection can be wrongly sure. */
const LEAST_PROBABILITY = 0.02;
/** What is not sure decides nothing but which side of a change it is on. */
const LEAST_WEIGHT = 0.01;
/** Nor does speech of this length or less; each second more counts 0.4, up to 1.5 (5.25 s). */
const MUTE_SECONDS = 1.5;
const WEIGHT_PER_SECOND = 0.4;
const MAX_WEIGHT = 1.5;
/** Nats by which the vote's language is ahead of others at the start. */
const HEAD_START = 0.5;

/** Walks through a recording group by group; what a group decides stays. */
export class LanguagePath {
  readonly #languages: readonly string[];
  /** Best score of a path that ends in this language. */
  #scores: Map<string, number>;
  #current: string;

  /**
   * @param languages in the model's order
   * @param vote the recording's language, as far as it is known; one that has a share in it may well come first
   */
  constructor(languages: readonly string[], vote: Pick<LanguageVote, 'language' | 'languages'>) {
    this.#languages = languages;
    this.#current = vote.language;
    const shares = new Map(vote.languages.map((share) => [share.language, share.probability]));
    const own = shares.get(vote.language) ?? 1;
    this.#scores = new Map([[vote.language, 0]]);
    for (const [language, share] of shares) {
      const score = Math.log(Math.min(share, own) / own) - HEAD_START;
      const isLikely = score > -this.#cost(vote.language, language);
      if (language !== vote.language && isLikely) this.#scores.set(language, score);
    }
  }

  /**
   * The language of each opinion's stretch.
   *
   * @param options.isLast nothing follows: a change at the end need not be paid twice
   */
  decide(opinions: readonly LanguageOpinion[], options: { readonly isLast: boolean }): string[] {
    if (opinions.length === 0) return [];
    this.#admit(opinions);
    const steps = opinions.map((opinion) => this.#step(opinion));
    const scored = [...this.#scores].map(([language, score]) => {
      const isBack = options.isLast || language === this.#current;
      return { language, total: score - (isBack ? 0 : this.#cost(language, this.#current)) };
    });
    let language = scored.reduce((a, b) => (b.total > a.total ? b : a)).language;
    const path = [language];
    for (const cameFrom of steps.toReversed().slice(0, -1)) {
      language = cameFrom.get(language) ?? language;
      path.unshift(language);
    }
    this.#current = path.at(-1) ?? this.#current;
    return path;
  }

  /** Languages that some stretch is sure of join those known, as if one had changed to them before. */
  #admit(opinions: readonly LanguageOpinion[]): void {
    for (const opinion of opinions) {
      if (weightOf(opinion) === LEAST_WEIGHT || this.#scores.has(opinion.best)) continue;
      const from = this.#scores.get(this.#current) ?? 0;
      this.#scores.set(opinion.best, from - this.#cost(this.#current, opinion.best));
    }
  }

  /** Takes one stretch; gives for each language the one before it on the best path. */
  #step(opinion: LanguageOpinion): Map<string, string> {
    const weight = weightOf(opinion);
    const cameFrom = new Map<string, string>();
    const next = new Map<string, number>();
    for (const language of this.#scores.keys()) {
      let best = { from: language, score: Number.NEGATIVE_INFINITY };
      for (const [from, before] of this.#scores) {
        const score = before - (from === language ? 0 : this.#cost(from, language));
        // Staying is preferred where both cost the same.
        if (score > best.score || (score === best.score && from === language))
          best = { from, score };
      }
      const probability = opinion.probabilities.get(language) ?? 0;
      cameFrom.set(language, best.from);
      next.set(language, best.score + weight * Math.log(Math.max(probability, LEAST_PROBABILITY)));
    }
    this.#scores = next;
    return cameFrom;
  }

  #cost(from: string, to: string): number {
    return isDoubtful(to, from, this.#languages) ? DOUBTFUL_CHANGE_COST : CHANGE_COST;
  }
}

function weightOf(opinion: LanguageOpinion): number {
  if (!isSure(opinion)) return LEAST_WEIGHT;
  const length = (opinion.speechSeconds - MUTE_SECONDS) * WEIGHT_PER_SECOND;
  return Math.max(LEAST_WEIGHT, Math.min(MAX_WEIGHT, length));
}
