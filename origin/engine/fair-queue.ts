/**
 * Who goes next.
 *
 * Short first: the request with the least audio ahead; among equals, the earlier arrival. So that a long one is
 * never starved, a request that has waited longer than the age limit goes before all others, the longest waiter
 * first, but only at every other turn: however many long requests are over age, a short one waits for one of
 * their turns at most. A request waits since it was last served, not since its item arrived: a long recording puts
 * many items in at once, and they must not all become old together.
 */

/** What the queue must know of an item. */
export interface Queued {
  readonly order: number;
  readonly arrivedAt: number;
  readonly context: { readonly owner: symbol; readonly remainingSeconds: () => number };
}

export interface FairQueueOptions {
  readonly agePromotionSeconds: number;
  /** Milliseconds. */
  readonly now: () => number;
}

export class FairQueue<Item extends Queued> {
  readonly #options: FairQueueOptions;
  readonly #items = new Set<Item>();
  readonly #countByOwner = new Map<symbol, number>();
  readonly #servedAt = new Map<symbol, number>();
  #aged: symbol | null = null;
  #skipsAged = false;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Items of one request. */
  count(owner: symbol): number {
    return this.#countByOwner.get(owner) ?? 0;
  }

  has(item: Item): boolean {
    return this.#items.has(item);
  }

  add(item: Item): void {
    if (this.#items.has(item)) return;
    this.#items.add(item);
    const { owner } = item.context;
    this.#countByOwner.set(owner, this.count(owner) + 1);
  }

  remove(item: Item): void {
    if (!this.#items.delete(item)) return;
    const { owner } = item.context;
    const left = this.count(owner) - 1;
    if (left > 0) this.#countByOwner.set(owner, left);
    else {
      this.#countByOwner.delete(owner);
      this.#servedAt.delete(owner);
    }
  }

  /** All items, the next one first. */
  inOrder(): readonly Item[] {
    this.#aged = this.#skipsAged ? null : this.#longestWaiter();
    const remaining = new Map<symbol, number>();
    for (const { context } of this.#items) {
      if (!remaining.has(context.owner)) {
        remaining.set(context.owner, context.remainingSeconds());
      }
    }
    const rank = (item: Item): number =>
      item.context.owner === this.#aged ? -1 : (remaining.get(item.context.owner) ?? 0);
    return [...this.#items].sort((a, b) => rank(a) - rank(b) || a.order - b.order);
  }

  /** A step was taken for the head of the last `inOrder`; the turn after a promoted one is not promoted. */
  tookTurn(): void {
    this.#skipsAged = this.#aged !== null;
  }

  /** A request got an answer: its waiting begins anew. */
  served(owner: symbol): void {
    if (this.count(owner) > 0) this.#servedAt.set(owner, this.#options.now());
  }

  /** The request over the age limit that has waited longest. */
  #longestWaiter(): symbol | null {
    let oldest = this.#options.now() - this.#options.agePromotionSeconds * 1000;
    let owner: symbol | null = null;
    for (const item of this.#items) {
      const id = item.context.owner;
      const since = Math.max(item.arrivedAt, this.#servedAt.get(id) ?? item.arrivedAt);
      if (since < oldest) [oldest, owner] = [since, id];
    }
    return owner;
  }
}
