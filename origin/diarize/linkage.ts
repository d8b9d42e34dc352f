/** Two clusters became one. */
export interface Merge {
  /** Cluster that goes on; its first item's index. */
  readonly kept: number;
  /** Cluster that is now a part of it. */
  readonly joined: number;
  /** Mean similarity between their items, -1..1. */
  readonly similarity: number;
}

/**
 * Agglomerative clustering with average linkage: joins the two most similar clusters again and again, until only such
 * are left that must not be joined. O(n²) memory and, but for bad luck, time.
 *
 * @param similarities Symmetric, row-major (n, n); -Infinity for items that must not share a cluster. Is overwritten.
 * @param weights `(n)`, above 0.
 * @returns the merges in order.
 */
export function linkAll(similarities: Float32Array, weights: ArrayLike<number>): Merge[] {
  const count = weights.length;
  const linker = new Linker(similarities, Float64Array.from(weights));
  const merges: Merge[] = [];
  for (let n = 1; n < count; n += 1) {
    const merge = linker.mostSimilar();
    if (merge === null) break;
    linker.join(merge);
    merges.push(merge);
  }
  return merges;
}

/** Cluster of each item after the first `merges` merges, numbered from 0 by first item. */
export function clustersAfter(items: number, merges: readonly Merge[]): Int32Array {
  const parent = Int32Array.from({ length: items }, (_, i) => i);
  for (const { kept, joined } of merges) parent[joined] = kept;
  const rootOf = (item: number): number => {
    let root = item;
    while (parent[root] !== root) root = parent[root]!;
    return root;
  };
  const numbers = new Map<number, number>();
  return Int32Array.from({ length: items }, (_, item) => {
    const root = rootOf(item);
    const number = numbers.get(root) ?? numbers.size;
    numbers.set(root, number);
    return number;
  });
}

class Linker {
  readonly #matrix: Float32Array;
  readonly #weights: Float64Array;
  readonly #alive: number[];
  /** Most similar cluster of each cluster, -1 for none. */
  readonly #nearest: Int32Array;

  constructor(matrix: Float32Array, weights: Float64Array) {
    this.#matrix = matrix;
    this.#weights = weights;
    this.#alive = Array.from(weights, (_, i) => i);
    this.#nearest = new Int32Array(weights.length).fill(-1);
    for (const i of this.#alive) this.#findNearest(i);
  }

  mostSimilar(): Merge | null {
    let [best, similarity] = [-1, Number.NEGATIVE_INFINITY];
    for (const i of this.#alive) {
      const near = this.#nearest[i]!;
      if (near >= 0 && this.#at(i, near) > similarity) [best, similarity] = [i, this.#at(i, near)];
    }
    if (best < 0) return null;
    const other = this.#nearest[best]!;
    return { kept: Math.min(best, other), joined: Math.max(best, other), similarity };
  }

  join({ kept, joined }: Merge): void {
    const [a, b] = [this.#weights[kept]!, this.#weights[joined]!];
    this.#alive.splice(this.#alive.indexOf(joined), 1);
    for (const i of this.#alive) {
      if (i === kept) continue;
      const mean = (a * this.#at(i, kept) + b * this.#at(i, joined)) / (a + b);
      this.#set(i, kept, mean);
    }
    this.#weights[kept] = a + b;
    for (const i of this.#alive) {
      const near = this.#nearest[i]!;
      if (i === kept || near === kept || near === joined) this.#findNearest(i);
      else if (near < 0 || this.#at(i, kept) > this.#at(i, near)) {
        if (this.#at(i, kept) > Number.NEGATIVE_INFINITY) this.#nearest[i] = kept;
      }
    }
  }

  #findNearest(i: number): void {
    let [best, similarity] = [-1, Number.NEGATIVE_INFINITY];
    for (const j of this.#alive) {
      if (j !== i && this.#at(i, j) > similarity) [best, similarity] = [j, this.#at(i, j)];
    }
    this.#nearest[i] = best;
  }

  #at(i: number, j: number): number {
    return this.#matrix[i * this.#weights.length + j]!;
  }

  #set(i: number, j: number, value: number): void {
    this.#matrix[i * this.#weights.length + j] = value;
    this.#matrix[j * this.#weights.length + i] = value;
  }
}
