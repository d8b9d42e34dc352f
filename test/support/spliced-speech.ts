/** Recordings made harder on purpose: pauses put between the words, each piece at its own level, noise underneath. */

const RATE = 16_000;
const FRAME = 320;

export interface Splices {
  readonly pauses: number;
  readonly seed: number;
  readonly pauseSeconds: readonly [shortest: number, longest: number];
  /** Lowest level of a piece in dB, 0 or less: each piece gets one between this and 0. */
  readonly quietestDb: number;
  /** Level of white noise under everything, in dB of full scale; absent: digital silence in the pauses. */
  readonly noiseDb?: number;
}

/**
 * Cuts samples (16 kHz) where they are quietest and puts a pause into each cut. A cut is in a dip of the energy and
 * at least 0.4 s from the next, so that words stay whole; short recordings have room for fewer than asked for.
 */
export function splice(samples: Float32Array, options: Splices): Float32Array<ArrayBuffer> {
  const random = seededRandom(options.seed);
  const cuts = quietestPoints(samples, options.pauses);
  const [shortest, longest] = options.pauseSeconds;
  const parts: Float32Array[] = [];
  let from = 0;
  for (const cut of [...cuts, samples.length]) {
    const gain = 10 ** ((random() * options.quietestDb) / 20);
    parts.push(faded(samples.subarray(from, cut), gain));
    if (cut < samples.length) {
      const seconds = shortest + random() * (longest - shortest);
      parts.push(new Float32Array(Math.round(seconds * RATE)));
    }
    from = cut;
  }
  const joined = concatenate(parts);
  if (options.noiseDb !== undefined) addNoise(joined, options.noiseDb, random);
  return joined;
}

export function concatenate(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Adds white noise of a level in dB of full scale. */
export function addNoise(samples: Float32Array, levelDb: number, random: () => number): void {
  const amplitude = Math.sqrt(3) * 10 ** (levelDb / 20);
  for (let i = 0; i < samples.length; i += 1) samples[i]! += amplitude * (2 * random() - 1);
}

/** Park and Miller's generator: 0..1, the same sequence for a seed. */
export function seededRandom(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** The quietest moments of 0.1 s, at least 0.4 s apart, in order. */
function quietestPoints(samples: Float32Array, count: number): number[] {
  const frames = Math.floor(samples.length / FRAME) - 4;
  const energy = Float64Array.from({ length: Math.max(0, frames) }, (_, i) =>
    samples.subarray(i * FRAME, (i + 5) * FRAME).reduce((sum, x) => sum + x * x, 0),
  );
  const ranked = [...energy.keys()].sort((a, b) => energy[a]! - energy[b]!);
  const chosen: number[] = [];
  for (const frame of ranked) {
    if (chosen.length === count) break;
    const isInside = frame > 25 && frame < frames - 25;
    if (isInside && chosen.every((other) => Math.abs(other - frame) >= 20)) chosen.push(frame);
  }
  return chosen.sort((a, b) => a - b).map((frame) => Math.round((frame + 2.5) * FRAME));
}

/** 5 ms in and out: a step would be a click. */
function faded(samples: Float32Array, gain: number): Float32Array {
  const edge = Math.min(80, samples.length >> 1);
  return samples.map((x, i) => gain * x * Math.min(1, i / edge, (samples.length - 1 - i) / edge));
}
