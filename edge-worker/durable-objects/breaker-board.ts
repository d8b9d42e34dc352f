/**
 * The circuit breakers of the whole edge in one object (`idFromName('breakers')`). Each call decides and stores without a
 * pause, so that of any number of requests at once only one gets the probe.
 */
import { DurableObject } from 'cloudflare:workers';
import { z } from 'zod';
import type {
  BreakerBoard as Board,
  BreakerPermit,
  BreakerView,
} from '#shared/routing/breaker-board.ts';
import { BREAKER_IDLE_MS, type BreakerEntry, BreakerTable } from '#shared/routing/breaker-table.ts';
import type { BreakerOutcome } from '#shared/routing/circuit-breaker.ts';

/** Called over RPC. Holds its state in SQLite, so an eviction closes no breaker. */
export class BreakerBoard extends DurableObject implements Board {
  #table: BreakerTable | null = null;
  /** As stored, to store no more than what changed. */
  readonly #stored = new Map<string, BreakerEntry>();
  #hasAlarm = false;

  async look(): Promise<readonly BreakerView[]> {
    return this.#load().look();
  }

  async admit(backend: string): Promise<BreakerPermit> {
    const permit = this.#load().admit(backend);
    await this.#forgetLater();
    return permit;
  }

  async report(backend: string, permit: number, outcome: BreakerOutcome): Promise<void> {
    this.#load().report(backend, permit, outcome);
    await this.#forgetLater();
  }

  /** Once a day: what nobody asks for goes, and with the last of it the storage. */
  override async alarm(): Promise<void> {
    this.#hasAlarm = false;
    if (this.#load().forgetIdle() > 0) return await this.#forgetLater();
    this.#table = null;
    this.#stored.clear();
    await this.ctx.storage.deleteAll();
  }

  #load(): BreakerTable {
    this.#table ??= this.#open();
    return this.#table;
  }

  #open(): BreakerTable {
    const { sql } = this.ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS breaker (backend TEXT PRIMARY KEY, json TEXT)');
    for (const { backend, json } of sql.exec('SELECT backend, json FROM breaker').toArray()) {
      const entry = StoredEntry.safeParse(JSON.parse(String(json)));
      // Of an older version: that backend starts anew, as closed.
      if (entry.success) this.#stored.set(String(backend), entry.data);
    }
    return new BreakerTable({
      now: () => Date.now(),
      entries: this.#stored,
      onChange: (backend, entry) => this.#store(backend, entry),
    });
  }

  #store(backend: string, entry: BreakerEntry | null): void {
    const { sql } = this.ctx.storage;
    if (entry === null) {
      sql.exec('DELETE FROM breaker WHERE backend = ?', backend);
      this.#stored.delete(backend);
    } else if (isWorthStoring(this.#stored.get(backend), entry)) {
      const json = JSON.stringify(entry);
      sql.exec('INSERT OR REPLACE INTO breaker (backend, json) VALUES (?, ?)', backend, json);
      this.#stored.set(backend, entry);
    }
  }

  async #forgetLater(): Promise<void> {
    if (this.#hasAlarm) return;
    this.#hasAlarm = true;
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + BREAKER_IDLE_MS);
    }
  }
}

/** A healthy backend changes nothing but times: those are stored once a minute, not with every request. */
function isWorthStoring(before: BreakerEntry | undefined, after: BreakerEntry): boolean {
  if (before === undefined || before.last?.kind !== after.last?.kind) return true;
  if (JSON.stringify(before.breaker) !== JSON.stringify(after.breaker)) return true;
  const newestMs = ({ askedAtMs, last }: BreakerEntry) => Math.max(askedAtMs, last?.atMs ?? 0);
  return Math.abs(newestMs(after) - newestMs(before)) >= STORE_EVERY_MS;
}

const STORE_EVERY_MS = 60_000;

const generation = z.number();

/** As stored. */
const StoredEntry = z.object({
  breaker: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('closed'), generation, failures: z.number() }),
    z.object({ kind: z.literal('open'), generation, untilMs: z.number(), openings: z.number() }),
    z.object({
      kind: z.literal('half-open'),
      generation,
      openings: z.number(),
      probes: z.array(z.number()),
      successes: z.number(),
    }),
  ]),
  askedAtMs: z.number(),
  last: z.object({ kind: z.enum(['success', 'failure']), atMs: z.number() }).nullable(),
});
