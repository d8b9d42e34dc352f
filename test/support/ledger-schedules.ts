/** What happens to a ledger in a simulation, and how fast-check makes it. */
import fc from 'fast-check';

/** One demand and how whoever made it behaves. */
export interface Plan {
  readonly atMs: number;
  readonly owner: string;
  readonly mib: number;
  /** Index of a card; null: any. */
  readonly card: number | null;
  readonly priority: number;
  readonly waitMs: number;
  readonly loadMs: number;
  readonly useMs: number;
  /** After its use it stays for so long, unless it is asked to go. */
  readonly idleMs: number;
  readonly ttlMs: number;
  /** So long after it has let go its memory is back. */
  readonly backMs: number;
  readonly hasPid: boolean;
  readonly whenAsked: 'releases' | 'refuses' | 'ignores';
  /** Dies in the middle of its use. */
  readonly crash: 'no' | 'frees' | 'keeps';
  /** Takes so much more than was agreed. */
  readonly leakMib: number;
}

export interface Schedule {
  readonly cards: readonly number[];
  readonly plans: readonly Plan[];
  /** Programs that never ask: from then on they take so much of a card. */
  readonly others: readonly {
    readonly atMs: number;
    readonly card: number;
    readonly mib: number;
  }[];
  /** Readings fail in between. */
  readonly blind: readonly { readonly atMs: number; readonly forMs: number }[];
  readonly removed: { readonly atMs: number; readonly card: number } | null;
  readonly readingMs: number;
}

const plan = (isKind: boolean): fc.Arbitrary<Plan> =>
  fc.record({
    atMs: fc.nat(60_000),
    owner: fc.constantFrom('stt', 'tts', 'image'),
    mib: fc.integer({ min: 100, max: 16_000 }),
    card: fc.option(fc.nat(1), { freq: 3 }),
    priority: fc.integer({ min: 3, max: 6 }),
    waitMs: isKind ? fc.constant(100_000_000) : fc.constantFrom(0, 2000, 15_000, 60_000),
    loadMs: fc.oneof(fc.constant(0), fc.nat(5000)),
    useMs: fc.oneof(fc.constant(0), fc.nat(20_000)),
    backMs: fc.constantFrom(0, 800, 3000),
    idleMs: fc.constantFrom(0, 5000, 120_000),
    ttlMs: fc.constantFrom(6000, 15_000),
    hasPid: fc.boolean(),
    whenAsked: isKind ? fc.constant('releases') : fc.constantFrom('releases', 'refuses', 'ignores'),
    crash: isKind ? fc.constant('no') : fc.constantFrom('no', 'no', 'no', 'frees', 'keeps'),
    leakMib: isKind ? fc.constant(0) : fc.constantFrom(0, 0, 0, 0, 3000),
  });

/** Everything may happen. */
export const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  cards: fc.constantFrom([24_000], [24_000, 12_000]),
  plans: fc.array(plan(false), { minLength: 1, maxLength: 14 }),
  others: fc.array(fc.record({ atMs: fc.nat(60_000), card: fc.nat(1), mib: fc.nat(9000) }), {
    maxLength: 4,
  }),
  blind: fc.array(fc.record({ atMs: fc.nat(60_000), forMs: fc.nat(8000) }), { maxLength: 2 }),
  removed: fc.option(fc.record({ atMs: fc.nat(60_000), card: fc.nat(1) }), { freq: 5 }),
  readingMs: fc.integer({ min: 0, max: 600 }),
});

/** Nobody misbehaves and all wait as long as it takes: then everybody must be served. */
export const kindSchedule: fc.Arbitrary<Schedule> = fc.record({
  cards: fc.constant([24_000, 20_000]),
  plans: fc.array(plan(true), { minLength: 1, maxLength: 20 }),
  ...{ others: fc.constant([]), blind: fc.constant([]), removed: fc.constant(null) },
  readingMs: fc.integer({ min: 0, max: 600 }),
});
