import type { ReconstructLimits } from '#origin/diarize/reconstruct.ts';
import type { VoiceLimits } from '#origin/diarize/voices.ts';

export interface DiarizeOptions extends VoiceLimits, ReconstructLimits {
  /** A local speaker talks alone where its probability is above this … */
  readonly onset: number;
  /** … and no other's above this. */
  readonly soloLimit: number;
  /** Speech of one voice that is embedded at once: one partial utterance of GE2E. */
  readonly stretchSeconds: number;
  /** A stretch ends at a pause of this length, for another voice may follow; unless it is too short to say anything. */
  readonly cutPauseSeconds: number;
  /** Less makes no vector worth having. */
  readonly minStretchSeconds: number;
  /** Time in which local speakers of two windows must talk together to be taken for one … */
  readonly minSharedSeconds: number;
  /** … and its share of the time in which either talks. */
  readonly minAgreement: number;
  /** Cosine from which a voice is a known speaker's. */
  readonly knownSimilarity: number;
}

/** Calibrated on real and mixed recordings together; docs/benchmarks.md shows how little the result turns on each. */
export const DEFAULT_DIARIZE_OPTIONS: DiarizeOptions = {
  onset: 0.5,
  soloLimit: 0.3,
  stretchSeconds: 1.6,
  cutPauseSeconds: 0.3,
  minStretchSeconds: 0.35,
  minSharedSeconds: 0.4,
  minAgreement: 0.7,
  trackBonus: 0.1,
  linkSimilarity: 0.68,
  minSeparation: 0.52,
  apartBonus: 0.35,
  apartSeconds: 6,
  strangerBonus: 0.1,
  usualLikeness: 0.78,
  minApartSeconds: 0.5,
  minItemSeconds: 0.8,
  minVoiceSeconds: 1,
  maxItems: 800,
  stickiness: 0.1,
  minTurnSeconds: 0.1,
  minPauseSeconds: 0.3,
  knownSimilarity: 0.8,
};
