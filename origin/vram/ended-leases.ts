import type { LeaseEnd } from '#shared/lease-errors.ts';

/** Remembers how the last leases ended, so that a late heartbeat or a second release hears why. */
export class EndedLeases {
  readonly #ends = new Map<string, LeaseEnd>();

  add(id: string, end: LeaseEnd): void {
    this.#ends.set(id, end);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MAX_REMEMBERED && oldest !== undefined) this.#ends.delete(oldest);
  }

  /** Null: there never was one, or it is forgotten. */
  find(id: string): LeaseEnd | null {
    return this.#ends.get(id) ?? null;
  }
}

const MAX_REMEMBERED = 2000;
