import type { SearchOptions } from '../protocol.ts';

/** Random numbers in [0, 1) for sampling: row-major (steps, batch, beams), the same for the same seed. */
export function uniformDraws(
  search: Pick<SearchOptions, 'temperature' | 'maxNewTokens' | 'beamWidth' | 'seed'>,
  batch: number,
): { data: Float32Array; dims: [number, number, number] } {
  if (search.temperature === 0) return { data: new Float32Array(1), dims: [1, 1, 1] };
  const dims: [number, number, number] = [search.maxNewTokens, batch, search.beamWidth];
  const next = splitMix32(search.seed);
  const data = Float32Array.from({ length: dims[0] * dims[1] * dims[2] }, next);
  return { data, dims };
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
