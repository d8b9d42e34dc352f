import { bestMatching } from '#origin/diarize/best-matching.ts';
import { dot } from '#origin/diarize/voice-group.ts';

/** A voice that has a name. */
export interface KnownVoice {
  readonly name: string;
  /** Of the same encoder; need not be of length 1. */
  readonly embedding: ArrayLike<number>;
}

export interface NamedVoice {
  readonly name: string;
  /** Cosine to the nearest sample of that name. */
  readonly similarity: number;
}

/**
 * Who of the known speakers each voice is. No name is given twice; of all ways to give them, the one that lies most
 * above the threshold. Several samples of one name count as one speaker.
 *
 * @param centroids Unit vectors.
 * @returns for each centroid its name, or null.
 */
export function nameVoices(
  centroids: readonly Float32Array[],
  known: readonly KnownVoice[],
  threshold: number,
): (NamedVoice | null)[] {
  const names = [...new Set(known.map(({ name }) => name))];
  const similarities = centroids.map((centroid) =>
    names.map((name) => {
      const samples = known.filter((voice) => voice.name === name);
      return Math.max(...samples.map(({ embedding }) => cosine(centroid, embedding)));
    }),
  );
  const match = bestMatching(similarities.map((row) => row.map((value) => value - threshold)));
  return match.map((column, row) => {
    const [name, similarity] = [names[column], similarities[row]?.[column]];
    return name === undefined || similarity === undefined ? null : { name, similarity };
  });
}

/** Cosine; -1 for vectors of different lengths or without a direction. */
function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return -1;
  const value = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  return Number.isFinite(value) ? value : -1;
}
