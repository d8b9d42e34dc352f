import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clustersAfter, linkAll } from '#origin/diarize/linkage.ts';

/** Symmetric similarities of n items in steps of 0.1; null for pairs that must stay apart. */
const cases = fc.integer({ min: 1, max: 9 }).chain((n) =>
  fc.record({
    weights: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: n, maxLength: n }),
    pairs: fc.array(
      fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -10, max: 10 }) }, fc.constant(null)),
      { minLength: n * n, maxLength: n * n },
    ),
  }),
);

function matrixOf(pairs: readonly (number | null)[], n: number): Float32Array {
  const matrix = new Float32Array(n * n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < i; j += 1) {
      const value = pairs[i * n + j];
      matrix[i * n + j] = value == null ? Number.NEGATIVE_INFINITY : value / 10;
      matrix[j * n + i] = matrix[i * n + j]!;
    }
  }
  return matrix;
}

/** The same by looking at all pairs of clusters at every step. */
function slowly(matrix: Float32Array, weights: readonly number[]): number[] {
  const n = weights.length;
  let clusters = weights.map((_, i) => [i]);
  const similarities: number[] = [];
  const mean = (a: readonly number[], b: readonly number[]) => {
    let [sum, total] = [0, 0];
    for (const i of a) {
      for (const j of b) {
        sum += weights[i]! * weights[j]! * matrix[i * n + j]!;
        total += weights[i]! * weights[j]!;
      }
    }
    return sum / total;
  };
  for (;;) {
    const pairs = clusters.flatMap((a, i) => clusters.slice(0, i).map((b) => [a, b] as const));
    const best = pairs.reduce((most, [a, b]) => Math.max(most, mean(a, b)), -Infinity);
    const pair = pairs.find(([a, b]) => mean(a, b) === best);
    if (pair === undefined || best === -Infinity) return similarities;
    similarities.push(best);
    clusters = [...clusters.filter((c) => c !== pair[0] && c !== pair[1]), pair.flat()];
  }
}

describe('linkAll', () => {
  it('never puts two items into one cluster that must stay apart', () => {
    fc.assert(
      fc.property(cases, ({ weights, pairs }) => {
        const [n, matrix] = [weights.length, matrixOf(pairs, weights.length)];
        const cluster = clustersAfter(n, linkAll(matrix.slice(), weights));
        for (let i = 0; i < n * n; i += 1) {
          const [a, b] = [Math.floor(i / n), i % n];
          if (matrix[i] === -Infinity) expect(cluster[a]).not.toBe(cluster[b]);
        }
      }),
    );
  });

  it('joins first what is most alike, as comparing all pairs does', () => {
    fc.assert(
      fc.property(cases, ({ weights, pairs }) => {
        const matrix = matrixOf(pairs, weights.length);
        const first = linkAll(matrix.slice(), weights)[0]?.similarity;
        const expected = slowly(matrix, weights)[0];
        if (expected === undefined) expect(first).toBeUndefined();
        else expect(first).toBeCloseTo(expected, 5);
      }),
    );
  });

  it('ends with one cluster where nothing must stay apart', () => {
    const merges = linkAll(new Float32Array(16).fill(0.5), [1, 1, 1, 1]);
    expect(merges).toHaveLength(3);
    expect([...clustersAfter(4, merges)]).toEqual([0, 0, 0, 0]);
    expect([...clustersAfter(4, [])]).toEqual([0, 1, 2, 3]);
  });
});
