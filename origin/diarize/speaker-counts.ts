import type { CountLimits } from '#origin/diarize/cluster.ts';

interface Wishes {
  readonly numSpeakers?: number | undefined;
  readonly minSpeakers?: number | undefined;
  readonly maxSpeakers?: number | undefined;
}

/**
 * The least and the most speakers. `min` is 0 where nobody asked for any.
 *
 * @throws RangeError for what is no whole number from 1 on, or a least above the most.
 */
export function speakerCounts({ numSpeakers, minSpeakers, maxSpeakers }: Wishes): CountLimits {
  for (const [name, value] of Object.entries({ numSpeakers, minSpeakers, maxSpeakers })) {
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue;
    throw new RangeError(`${name} is ${value}: a whole number from 1 on is needed.`);
  }
  const min = numSpeakers ?? minSpeakers ?? 0;
  const max = numSpeakers ?? maxSpeakers ?? Number.MAX_SAFE_INTEGER;
  if (min > max) throw new RangeError(`At least ${min} speakers and at most ${max}: none fits.`);
  return { min, max };
}
