/** Leases of other services and what was measured, in `gpu-leases.sqlite`: both outlive a restart. */
import { z } from 'zod';
import { type DatabaseSync, inTransaction, openDatabase } from '#origin/jobs/sqlite.ts';
import { type EstimateRecord, MAX_RECORDS } from '#origin/vram/estimates.ts';
import type { Lease } from '#origin/vram/lease.ts';

/** Changes that go to the disk together. */
export interface StoreChanges {
  readonly saved: readonly Lease[];
  readonly endedIds: readonly string[];
  readonly estimates: readonly EstimateRecord[];
}

export class LeaseStore {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  /** @throws Error in one line when the file is in use, damaged, or of a newer service */
  constructor(path: string) {
    this.#database = openDatabase(path, 'GPU leases');
    try {
      // A power cut empties the GPU too: only a crash of the service has to be outlived, and NORMAL is enough for that.
      this.#database.exec('PRAGMA synchronous = NORMAL');
      migrate(this.#database, path);
      this.#statements = prepareAll(this.#database);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** What an earlier run left. Rows that make no sense are left out. */
  leases(): Lease[] {
    const rows = this.#database.prepare('SELECT lease FROM leases').all();
    return rows.flatMap((row) => {
      const saved = SavedLease.safeParse(parseJson(row['lease']));
      return saved.success ? [{ ...saved.data, isLocal: false as const }] : [];
    });
  }

  estimates(): EstimateRecord[] {
    const sql = 'SELECT model, target, peaks FROM estimates ORDER BY number DESC LIMIT ?';
    const rows = this.#database.prepare(sql).all(MAX_RECORDS).reverse();
    return rows.flatMap((row) => {
      const peaks = z.array(Mib).safeParse(parseJson(row['peaks']));
      const record = { model: String(row['model']), target: String(row['target']) };
      return peaks.success ? [{ ...record, peaksMib: peaks.data }] : [];
    });
  }

  /** Wholly or not at all. @throws Error when the disk takes no more */
  write({ saved, endedIds, estimates }: StoreChanges): void {
    const { putLease, dropLease, putEstimate, dropOldEstimates } = this.#statements;
    inTransaction(this.#database, () => {
      for (const lease of saved) putLease.run(lease.id, JSON.stringify(lease));
      for (const id of endedIds) dropLease.run(id);
      for (const { model, target, peaksMib } of estimates) {
        putEstimate.run(model, target, JSON.stringify(peaksMib));
      }
      if (estimates.length > 0) dropOldEstimates.run(MAX_RECORDS);
    });
  }

  close(): void {
    this.#database.close();
  }
}

type Statements = ReturnType<typeof prepareAll>;

function prepareAll(database: DatabaseSync) {
  return {
    putLease: database.prepare('INSERT OR REPLACE INTO leases (id, lease) VALUES (?, ?)'),
    dropLease: database.prepare('DELETE FROM leases WHERE id = ?'),
    putEstimate: database.prepare(
      'INSERT OR REPLACE INTO estimates (model, target, peaks) VALUES (?, ?, ?)',
    ),
    dropOldEstimates: database.prepare(
      'DELETE FROM estimates WHERE number <= (SELECT MAX(number) FROM estimates) - ?',
    ),
  };
}

/** Step n leads from version n to n + 1. Steps are only ever added. */
const STEPS: readonly string[] = [
  `CREATE TABLE leases (id TEXT PRIMARY KEY, lease TEXT NOT NULL) STRICT;
   CREATE TABLE estimates (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     model TEXT NOT NULL,
     target TEXT NOT NULL,
     peaks TEXT NOT NULL,
     UNIQUE (model, target)
   ) STRICT;`,
];

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > STEPS.length) {
    throw new Error(
      `${path} has version ${version}, this service knows ${STEPS.length}. Start the newer service, or move the file away to start without its GPU leases.`,
    );
  }
  for (const [index, step] of STEPS.entries()) {
    if (index < version) continue;
    inTransaction(database, () => database.exec(`${step} PRAGMA user_version = ${index + 1}`));
  }
}

const Mib = z.number().int().min(0);

const SavedLease = z.object({
  id: z.string(),
  owner: z.string(),
  model: z.string(),
  target: z.string(),
  device: z.string(),
  mib: Mib,
  priority: z.number().int(),
  ttlMs: z.number().nullable(),
  isInUse: z.boolean(),
  releaseUrl: z.string().nullable(),
  pid: z.number().int().nullable(),
  state: z.enum(['active', 'releasing']),
  createdMs: z.number(),
  lastUsedMs: z.number(),
  expiresMs: z.number().nullable(),
  loadedTurn: z.number().nullable(),
  measured: z.object({ mib: Mib, turn: z.number(), isRead: z.boolean() }).nullable(),
  askedMs: z.number().nullable(),
  spareUntilMs: z.number(),
});

function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
