/** What the chunks' languages say of the whole recording. */
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
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
  const seconds = new Map<string, number>();
  for (const { vote, speech } of chunks) {
    const spoken = speech.reduce((sum, span) => sum + span.endSeconds - span.startSeconds, 0);
    seconds.set(vote.language, (seconds.get(vote.language) ?? 0) + spoken);
  }
  const total = [...seconds.values()].reduce((sum, value) => sum + value, 0);
  const spoken = [...seconds]
    .map(([language, value]) => ({ language, probability: total > 0 ? value / total : 0 }))
    .sort((a, b) => b.probability - a.probability);
  const isMixed = spoken.length > 1;
  const detected = chunks[0]?.vote.languages ?? [];
  return {
    main: spoken[0]?.language ?? null,
    shares: isMixed ? spoken : detected.filter(({ probability }) => probability >= LEAST_SHARE),
    isMixed,
  };
}
