/** The card as the stand-in fills it, and what it takes to come back from sleep. */
import type { Modes } from '#test/support/vllm-stand-in/modes.ts';

const AWAKE_MIB = 14_000;
const ASLEEP_MIB = 700;

type Part = 'weights' | 'kv_cache';

export class Memory {
  /** What is on the card. */
  readonly #there = new Set<Part>(['weights', 'kv_cache']);
  #level: 0 | 1 | 2 = 0;
  #hasWeights = true;
  #leakMib = 0;

  get isAsleep(): boolean {
    return this.#there.size < 2;
  }

  /** Level 2 without `reload_weights` leaves weights that nobody has filled. */
  get isSane(): boolean {
    return this.#hasWeights;
  }

  get usedMib(): number {
    if (this.#there.size === 2) return AWAKE_MIB;
    if (this.#there.has('weights')) return AWAKE_MIB - 5000;
    return ASLEEP_MIB + this.#leakMib;
  }

  sleep(level: 1 | 2, mode: Modes['sleep']): boolean {
    if (mode === 'fail') return false;
    this.#leakMib = mode === 'leak' ? 10_000 : 0;
    this.#there.clear();
    this.#level = level;
    if (level === 2) this.#hasWeights = false;
    return true;
  }

  wake(tags: readonly string[]): void {
    for (const part of ['weights', 'kv_cache'] as const) {
      if (tags.length === 0 || tags.includes(part)) this.#there.add(part);
    }
    if (!this.isAsleep) this.#level = 0;
  }

  reload(): boolean {
    if (this.#level !== 2 || !this.#there.has('weights')) return false;
    this.#hasWeights = true;
    return true;
  }
}
