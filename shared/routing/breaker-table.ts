/** The breakers by backend, bounded, with whoever stores them told of every change. No clock, no chance, no I/O of its own. */
import type { BreakerBoard, BreakerPermit, BreakerView } from '#shared/routing/breaker-board.ts';
import {
  admit,
  type BreakerOptions,
  type BreakerOutcome,
  type BreakerState,
  CLOSED_BREAKER,
  DEFAULT_BREAKER_OPTIONS,
  isBreakerOpen,
  recordOutcome,
} from '#shared/routing/circuit-breaker.ts';

/** A board in memory: for tests, and for a process that has no other to share with. */
export function createMemoryBreakers(options: BreakerTableOptions): BreakerBoard {
  const table = new BreakerTable(options);
  return {
    look: async () => table.look(),
    admit: async (backend) => table.admit(backend),
    report: async (backend, permit, outcome) => table.report(backend, permit, outcome),
  };
}

/** What is kept of one backend. */
export interface BreakerEntry {
  readonly breaker: BreakerState;
  /** Milliseconds since 1970, as all times here. */
  readonly askedAtMs: number;
  readonly last: BreakerView['last'];
}

export interface BreakerTableOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** 0..1. Default `Math.random`. */
  readonly random?: () => number;
  /** Default `DEFAULT_BREAKER_OPTIONS`. */
  readonly breaker?: BreakerOptions;
  /** What was stored before. */
  readonly entries?: Iterable<readonly [string, BreakerEntry]>;
  /** Told of every change; null: the backend is forgotten. */
  readonly onChange?: (backend: string, entry: BreakerEntry | null) => void;
}

export const MAX_BREAKERS = 50;
export const BACKEND_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
export const BREAKER_IDLE_MS = 86_400_000;

/** Holds them. Each call decides and stores without a pause, so that no two can get the last probe. */
export class BreakerTable {
  readonly #entries: Map<string, BreakerEntry>;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #breaker: BreakerOptions;
  readonly #onChange: NonNullable<BreakerTableOptions['onChange']>;

  constructor(options: BreakerTableOptions) {
    this.#entries = new Map(options.entries);
    this.#now = options.now;
    this.#random = options.random ?? Math.random;
    this.#breaker = options.breaker ?? DEFAULT_BREAKER_OPTIONS;
    this.#onChange = options.onChange ?? (() => {});
  }

  look(): readonly BreakerView[] {
    const nowMs = this.#now();
    return [...this.#entries].map(([backend, { breaker, last }]) => {
      const isOpen = isBreakerOpen(breaker, this.#breaker, nowMs);
      return { backend, state: breaker.kind, isOpen, last };
    });
  }

  admit(backend: string): BreakerPermit {
    const nowMs = this.#now();
    const entry = this.#find(backend, nowMs);
    const { state, permit, retryAfterMs } = admit(entry.breaker, this.#breaker, nowMs);
    this.#keep(backend, { ...entry, breaker: state, askedAtMs: nowMs });
    return { permit, retryAfterMs };
  }

  report(backend: string, permit: number, outcome: BreakerOutcome): void {
    const nowMs = this.#now();
    const entry = this.#find(backend, nowMs);
    const breaker = recordOutcome(
      entry.breaker,
      { permit, outcome: withFiniteWait(outcome) },
      this.#breaker,
      { nowMs, random: this.#random() },
    );
    const last = outcome.kind === 'neutral' ? entry.last : { kind: outcome.kind, atMs: nowMs };
    this.#keep(backend, { ...entry, breaker, last });
  }

  /** Forgets what nobody asked for a day. @returns how many are left */
  forgetIdle(): number {
    const oldestMs = this.#now() - BREAKER_IDLE_MS;
    for (const [backend, { askedAtMs }] of this.#entries) {
      if (askedAtMs <= oldestMs) this.#forget(backend);
    }
    return this.#entries.size;
  }

  #find(backend: string, nowMs: number): BreakerEntry {
    if (!BACKEND_NAME.test(backend)) {
      throw new TypeError(`"${backend.slice(0, 64)}" cannot be the name of a backend`);
    }
    const known = this.#entries.get(backend);
    if (known !== undefined) return known;
    return { breaker: CLOSED_BREAKER, askedAtMs: nowMs, last: null };
  }

  #keep(backend: string, entry: BreakerEntry): void {
    if (!this.#entries.has(backend) && this.#entries.size >= MAX_BREAKERS) this.#forgetOldest();
    this.#entries.set(backend, entry);
    this.#onChange(backend, entry);
  }

  #forgetOldest(): void {
    const [oldest] = [...this.#entries].sort(([, a], [, b]) => a.askedAtMs - b.askedAtMs);
    if (oldest !== undefined) this.#forget(oldest[0]);
  }

  #forget(backend: string): void {
    this.#entries.delete(backend);
    this.#onChange(backend, null);
  }
}

/** A wait that is no number would never be over. */
function withFiniteWait(outcome: BreakerOutcome): BreakerOutcome {
  if (outcome.kind !== 'failure' || outcome.retryAfterMs === undefined) return outcome;
  return Number.isNaN(outcome.retryAfterMs) ? { kind: 'failure' } : outcome;
}
