import type { Sampling, SearchOptions } from '../protocol.ts';

/** Random numbers in [0, 1) for sampling: row-major (steps, batch, beams); an item's depend on its own seed alone. */
export function uniformDraws(
  items: readonly Sampling[],
  { maxNewTokens, beamWidth }: Pick<SearchOptions, 'maxNewTokens' | 'beamWidth'>,
): { data: Float32Array; dims: [number, number, number] } {
  if (items.every(({ temperature }) => temperature === 0)) {
    return { data: new Float32Array(1), dims: [1, 1, 1] };
  }
  const generators = items.map(({ seed }) => splitMix32(seed));
  const data = new Float32Array(maxNewTokens * items.length * beamWidth);
  let at = 0;
  for (let step = 0; step < maxNewTokens; step++) {
    for (const next of generators) for (let beam = 0; beam < beamWidth; beam++) data[at++] = next();
  }
  return { data, dims: [maxNewTokens, items.length, beamWidth] };
}

/** SplitMix32: a small generator of good quality. 24 bits a draw, so that every value is below 1 in float32. */
function splitMix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 8) / 2 ** 24;
  };
}
