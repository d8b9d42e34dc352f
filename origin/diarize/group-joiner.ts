import { addTo, type Group, separationOf, strangenessOf } from '#origin/diarize/voice-group.ts';

export interface DistanceLimits {
  /** Added to the separation of groups that were heard as two voices in one window. */
  readonly apartBonus: number;
  /** Seconds of speech heard as two voices for the whole bonus. */
  readonly apartSeconds: number;
  /** Added to the separation of groups that share no track: what follows without a break is more likely one voice. */
  readonly strangerBonus: number;
  /** Cosine of two stretches of one voice, as it usually is for the encoder. */
  readonly usualLikeness: number;
}

export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly distance: number;
}

/** Groups and how far they are apart; remembers the nearest one of each, so that a join costs O(groups). */
export class GroupJoiner {
  readonly #groups: (Group | null)[];
  readonly #apart: readonly Float64Array[];
  readonly #limits: DistanceLimits;
  readonly #distances: readonly Float64Array[];
  readonly #nearest: Int32Array;
  left: number;

  constructor(groups: readonly Group[], apart: readonly Float64Array[], limits: DistanceLimits) {
    this.#groups = [...groups];
    this.#apart = apart;
    this.#limits = limits;
    this.left = groups.length;
    this.#distances = groups.map(() => new Float64Array(groups.length));
    for (let a = 0; a < groups.length; a += 1) for (let b = 0; b < a; b += 1) this.#measure(a, b);
    this.#nearest = new Int32Array(groups.length).fill(-1);
    for (let a = 0; a < groups.length; a += 1) this.#findNearest(a);
  }

  leastApart(): Pair | null {
    let best: Pair | null = null;
    for (const [a, b] of this.#nearest.entries()) {
      if (this.#groups[a] === null || b < 0) continue;
      const distance = this.#distances[a]![b]!;
      if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
        best = { a: Math.min(a, b), b: Math.max(a, b), distance };
      }
    }
    return best;
  }

  join({ a, b }: Pair): void {
    addTo(this.#groups[a]!, this.#groups[b]!);
    this.#groups[b] = null;
    this.left -= 1;
    for (const [j, group] of this.#groups.entries()) {
      if (group === null || j === a) continue;
      this.#apart[a]![j]! += this.#apart[b]![j]!;
      this.#apart[j]![a] = this.#apart[a]![j]!;
      this.#measure(a, j);
    }
    this.#findNearest(a);
    for (const [j, group] of this.#groups.entries()) {
      if (group === null || j === a) continue;
      const near = this.#nearest[j]!;
      if (near === a || near === b) this.#findNearest(j);
      else if (this.#distances[j]![a]! < this.#distances[j]![near]!) this.#nearest[j] = a;
    }
  }

  #measure(a: number, b: number): void {
    const [x, y] = [this.#groups[a]!, this.#groups[b]!];
    const { apartBonus, apartSeconds: full, strangerBonus, usualLikeness } = this.#limits;
    const bonus = apartBonus * Math.min(1, this.#apart[a]![b]! / full);
    const separation = separationOf(x, y, usualLikeness);
    const distance = separation + bonus + strangerBonus * strangenessOf(x, y);
    this.#distances[a]![b] = distance;
    this.#distances[b]![a] = distance;
  }

  #findNearest(a: number): void {
    let best = -1;
    for (const [b, group] of this.#groups.entries()) {
      if (group === null || b === a) continue;
      if (best < 0 || this.#distances[a]![b]! < this.#distances[a]![best]!) best = b;
    }
    this.#nearest[a] = best;
  }
}
