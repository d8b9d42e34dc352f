/**
 * Thresholds belong to an encoder: what counts as alike for one is far apart for another. A calibration for each
 * architecture that may be installed.
 */
import { DEFAULT_DIARIZE_OPTIONS, type DiarizeOptions } from '#origin/diarize/options.ts';

/** By the architecture in the manifest of the speaker encoder. */
export type CalibratedEncoder = 'ge2e' | 'wespeaker-resnet34-lm';

/**
 * WeSpeaker's ResNet34, by translation of published settings; **not verified**: its weights were never run here
 * (docs/unverified.md).
 *
 * pyannote/speaker-diarization-3.1 joins clusters by centroid linkage as long as the Euclidean distance of the means of
 * unit vectors is below 0.7046. For stretches of which two of one voice have a mean similarity w, and two of two voices
 * s, the squared distance is about 2w - 2s: clusters are joined while s > w - 0.248. With w = 0.6, which is assumed for
 * stretches of 1.6 s, that is a likeness s / w of 0.586, and thus a separation of 3 · (1 - 0.586) = 1.24 for voices
 * with enough speech; 0.52 is GE2E's. The bonuses that are added to a separation grow as it does.
 *
 * `linkSimilarity`: of clusters that are surely one voice, so w - 0.1 as for GE2E. `knownSimilarity`: two centroids at
 * pyannote's limit have a cosine of 0.586 too; samples come from other days and rooms, so it is set a little lower.
 *
 * Sources: config.yaml of https://huggingface.co/pyannote/speaker-diarization-3.1 (`threshold: 0.7045654963945799`,
 * `method: centroid`); `AgglomerativeClustering.cluster` of pyannote.audio 3.1, pipelines/clustering.py, which brings
 * the vectors to length 1 and takes the Euclidean metric. WeSpeaker's own recipe (examples/voxconverse/v2/run.sh) embeds
 * stretches of 1.5 s, so the length of ours stays.
 */
const WESPEAKER: DiarizeOptions = {
  ...DEFAULT_DIARIZE_OPTIONS,
  linkSimilarity: 0.5,
  minSeparation: 1.24,
  apartBonus: 0.83,
  strangerBonus: 0.24,
  usualLikeness: 0.6,
  trackBonus: 0.15,
  knownSimilarity: 0.55,
};

const CALIBRATIONS: Readonly<Record<CalibratedEncoder, DiarizeOptions>> = {
  ge2e: DEFAULT_DIARIZE_OPTIONS,
  'wespeaker-resnet34-lm': WESPEAKER,
};

/** Options for an encoder; null for one that nothing is known of. */
export function diarizeOptionsFor(architecture: string): DiarizeOptions | null {
  return Object.hasOwn(CALIBRATIONS, architecture)
    ? CALIBRATIONS[architecture as CalibratedEncoder]
    : null;
}
