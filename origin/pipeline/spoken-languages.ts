/** What the chunks' languages say of the whole recording. */
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
import type { LanguageVote } from '#origin/whisper/language-vote.ts';
import type { LanguageShare } from '#shared/contracts/transcript.ts';

export interface SpokenLanguages {
  /** The one with the most speech; null when nothing was said. */
  readonly main: string | null;
  /**
   * Of a recording in several languages the share of its speech in each; else what detection thought of its one.
   * Most probable first.
   */
  readonly shares: readonly LanguageShare[];
  readonly isMixed: boolean;
}

/** Languages below this share are noise of the detection. */
const LEAST_SHARE = 0.01;

export function spokenLanguages(
  chunks: readonly Pick<ChunkResult, 'vote' | 'speech'>[],
): SpokenLanguages {
  const spoken = meanShares(chunks, ({ language }) => [{ language, probability: 1 }]);
  const isMixed = spoken.length > 1;
  const detected = isMixed ? [] : meanShares(chunks, ({ languages }) => languages);
  return {
    main: spoken[0]?.language ?? null,
    shares: isMixed ? spoken : detected.filter(({ probability }) => probability >= LEAST_SHARE),
    isMixed,
  };
}

/** Mean over the chunks, weighted by seconds of speech. */
function meanShares(
  chunks: readonly Pick<ChunkResult, 'vote' | 'speech'>[],
  sharesOf: (vote: LanguageVote) => readonly LanguageShare[],
): LanguageShare[] {
  const sums = new Map<string, number>();
  let total = 0;
  for (const { vote, speech } of chunks) {
    const seconds = speech.reduce((sum, span) => sum + span.endSeconds - span.startSeconds, 0);
    const weight = Math.max(seconds, Number.EPSILON);
    total += weight;
    for (const { language, probability } of sharesOf(vote)) {
      sums.set(language, (sums.get(language) ?? 0) + weight * probability);
    }
  }
  return [...sums]
    .map(([language, sum]) => ({ language, probability: Math.min(1, sum / total) }))
    .sort((a, b) => b.probability - a.probability);
}
