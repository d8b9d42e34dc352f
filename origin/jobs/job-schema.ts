/** The tables of jobs.sqlite and the way from older ones. */
import { type DatabaseSync, inTransaction } from '#origin/jobs/sqlite.ts';

/** Step n leads from version n to n + 1. Steps are only ever added. */
const STEPS: readonly string[] = [
  `CREATE TABLE jobs (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     principal_id TEXT NOT NULL,
     idempotency_key TEXT,
     form_digest TEXT,
     status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
     attempts INTEGER NOT NULL,
     crashes INTEGER NOT NULL,
     error TEXT,
     request_id TEXT NOT NULL,
     fields TEXT NOT NULL,
     file_name TEXT,
     sample_count INTEGER NOT NULL,
     size_bytes INTEGER NOT NULL,
     created_ms INTEGER NOT NULL,
     started_ms INTEGER,
     finished_ms INTEGER,
     not_before_ms INTEGER NOT NULL DEFAULT 0,
     UNIQUE (principal_id, idempotency_key)
   ) STRICT;
   CREATE INDEX jobs_by_status ON jobs (status, principal_id);
   CREATE INDEX jobs_by_end ON jobs (finished_ms) WHERE finished_ms IS NOT NULL;
   CREATE TABLE results (
     number INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
     headers TEXT NOT NULL,
     body TEXT NOT NULL
   ) STRICT;`,
  `ALTER TABLE jobs ADD COLUMN is_awaited INTEGER NOT NULL DEFAULT 0 CHECK (is_awaited IN (0, 1));`,
  `ALTER TABLE jobs ADD COLUMN route TEXT NOT NULL DEFAULT 'whisper' CHECK (route IN ('whisper', 'voxtral', 'auto'));`,
];

/**
 * Brings the tables to the newest version.
 * @throws Error when a newer service has written them
 */
export function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > STEPS.length) {
    throw new Error(
      `jobs.sqlite has version ${version}, this service knows ${STEPS.length}. Start the newer service, or move the file away to start without its jobs.`,
    );
  }
  for (const [index, step] of STEPS.entries()) {
    if (index < version) continue;
    inTransaction(database, () => database.exec(`${step} PRAGMA user_version = ${index + 1}`));
  }
}
