/**
 * Jobs in a table. Every change is one transaction. When a call returns, the change survives the end of the process;
 * when `flush` resolves, a power cut as well. Calls take well below a millisecond, so they may block the loop.
 */
import type { Job, JobResult, NewJob } from '#origin/jobs/job.ts';
import { migrate } from '#origin/jobs/job-schema.ts';
import { isFinished, type JobEvent, type JobStatus, nextState } from '#origin/jobs/job-state.ts';
import { type DatabaseSync, inTransaction, openDatabase } from '#origin/jobs/sqlite.ts';
import { WalSync } from '#origin/jobs/wal-sync.ts';
import type { JobRoute } from '#shared/contracts/jobs.ts';

/** How many jobs there are of a status, and what they take on disk. */
export interface JobTotal {
  readonly jobs: number;
  readonly bytes: number;
}

export type JobTotals = Readonly<Record<JobStatus, JobTotal>>;

/** What belongs to an event besides the event. */
export interface EventDetails {
  readonly nowMs: number;
  /** Of `succeed`. */
  readonly result?: JobResult;
  /** After `fail`: when another attempt may start. */
  readonly notBeforeMs?: number;
}

export class JobStore {
  readonly #database: DatabaseSync;
  readonly #log: WalSync;
  readonly #totals: Record<JobStatus, JobTotal>;

  /** @throws Error in one line when the file is in use, damaged, or of a newer service */
  constructor(path: string) {
    this.#database = openDatabase(path);
    this.#log = new WalSync(path);
    try {
      migrate(this.#database);
      this.#totals = this.#countAll();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  totals(): JobTotals {
    return { ...this.#totals };
  }

  insert(job: NewJob): Job {
    const columns = {
      id: job.id,
      principal_id: job.principalId,
      idempotency_key: job.idempotencyKey,
      form_digest: job.formDigest,
      request_id: job.requestId,
      is_awaited: job.isAwaited ? 1 : 0,
      route: job.route,
      fields: JSON.stringify(job.fields),
      file_name: job.fileName,
      sample_count: job.sampleCount,
      size_bytes: job.sizeBytes,
      created_ms: job.createdMs,
    };
    const names = Object.keys(columns);
    const sql = `INSERT INTO jobs (${names.join(', ')}, status, attempts, crashes)
      VALUES (${names.map(() => '?').join(', ')}, 'queued', 0, 0) RETURNING *`;
    const row = this.#database.prepare(sql).get(...Object.values(columns));
    this.#count('queued', 1, job.sizeBytes);
    return toJob(row);
  }

  find(id: string): Job | null {
    return this.#one('SELECT * FROM jobs WHERE id = ?', id);
  }

  findByKey(principalId: string, key: string): Job | null {
    const sql = 'SELECT * FROM jobs WHERE principal_id = ? AND idempotency_key = ?';
    return this.#one(sql, principalId, key);
  }

  /**
   * The job to be started next of those that somebody waits for, or of the others: what a crash cut off first, then
   * whose principal has the fewest running, then the oldest.
   */
  peek(nowMs: number, { isAwaited }: Pick<Job, 'isAwaited'>): Job | null {
    return this.#one(
      `SELECT * FROM jobs WHERE status = 'queued' AND is_awaited = ? AND not_before_ms <= ?
       ORDER BY crashes > 0 DESC,
         (SELECT COUNT(*) FROM jobs AS other
          WHERE other.status = 'running' AND other.principal_id = jobs.principal_id),
         number
       LIMIT 1`,
      isAwaited ? 1 : 0,
      nowMs,
    );
  }

  /** Queued jobs that somebody waits for, at most `limit`. */
  countAwaited(limit: number): number {
    const sql = `SELECT COUNT(*) AS jobs FROM (
      SELECT 1 FROM jobs WHERE status = 'queued' AND is_awaited = 1 LIMIT ?)`;
    return Number(this.#database.prepare(sql).get(limit)?.['jobs']);
  }

  /** Place of a queued job from 1: those that somebody waits for come first, then it goes by age. */
  position({ number, isAwaited }: Job): number {
    const sql = `SELECT COUNT(*) AS ahead FROM jobs WHERE status = 'queued'
      AND (is_awaited > ?1 OR (is_awaited = ?1 AND number < ?2))`;
    const row = this.#database.prepare(sql).get(isAwaited ? 1 : 0, number);
    return 1 + Number(row?.['ahead']);
  }

  /** Jobs that are running, or were when the service ended. */
  running(): Job[] {
    return this.#database.prepare(`SELECT * FROM jobs WHERE status = 'running'`).all().map(toJob);
  }

  /** Ids of the jobs that still need their files. */
  unfinishedIds(): string[] {
    const sql = `SELECT id FROM jobs WHERE status IN ('queued', 'running')`;
    return this.#database.prepare(sql).all().map(idOf);
  }

  /** @returns the job afterwards; null when it is gone or the event has no meaning in its state */
  apply(id: string, event: JobEvent, details: EventDetails): Job | null {
    const change = inTransaction(this.#database, () => {
      const before = this.find(id);
      const state = before === null ? null : nextState(before, event);
      if (before === null || state === null) return null;
      const times = timesAfter(before, state.status, details);
      return { before, after: this.#write({ ...before, ...state, ...times }, details) };
    });
    if (change === null) return null;
    const { before, after } = change;
    this.#count(before.status, -1, -before.sizeBytes);
    this.#count(after.status, 1, after.sizeBytes);
    return after;
  }

  result(job: Job): JobResult | null {
    const sql = 'SELECT headers, body FROM results WHERE number = ?';
    const row = this.#database.prepare(sql).get(job.number);
    if (row === undefined) return null;
    return { headers: JSON.parse(String(row['headers'])), body: String(row['body']) };
  }

  remove(id: string): void {
    const job = this.find(id);
    if (job === null) return;
    this.#database.prepare('DELETE FROM jobs WHERE id = ?').run(id);
    this.#count(job.status, -1, -job.sizeBytes);
  }

  /** Removes the oldest of those that ended at this time or before, at most `limit`; returns how many. */
  removeEndedBefore(ms: number, limit: number): number {
    const sql = `DELETE FROM jobs WHERE number IN (
        SELECT number FROM jobs WHERE finished_ms <= ? ORDER BY finished_ms LIMIT ?
      ) RETURNING status, size_bytes`;
    const rows = this.#database.prepare(sql).all(ms, limit);
    for (const row of rows) {
      this.#count(String(row['status']) as JobStatus, -1, -Number(row['size_bytes']));
    }
    return rows.length;
  }

  /** Resolves when all changes so far are on the disk for good. */
  flush(): Promise<void> {
    return this.#log.sync();
  }

  close(): void {
    this.#database.close();
    this.#log.close();
  }

  #write(job: Job, { result, notBeforeMs }: EventDetails): Job {
    const ended = isFinished(job.status);
    const isDone = job.status === 'done' && result !== undefined;
    const sizeBytes = isDone ? Buffer.byteLength(result.body) : ended ? 0 : job.sizeBytes;
    const columns = {
      status: job.status,
      attempts: job.attempts,
      crashes: job.crashes,
      error: job.error === null ? null : JSON.stringify(job.error),
      started_ms: job.startedMs,
      finished_ms: job.finishedMs,
      size_bytes: sizeBytes,
      not_before_ms: notBeforeMs ?? 0,
      // Prompts and voices are kept no longer than they are needed.
      fields: JSON.stringify(ended ? [] : job.fields),
      // Who cancels and comes again wants another job.
      idempotency_key: job.status === 'cancelled' ? null : job.idempotencyKey,
    };
    const names = Object.keys(columns);
    const sql = `UPDATE jobs SET ${names.map((name) => `${name} = ?`).join(', ')}
      WHERE number = ? RETURNING *`;
    const row = this.#database.prepare(sql).get(...Object.values(columns), job.number);
    if (isDone) {
      this.#database
        .prepare('INSERT INTO results (number, headers, body) VALUES (?, ?, ?)')
        .run(job.number, JSON.stringify(result.headers), result.body);
    }
    return toJob(row);
  }

  #one(sql: string, ...values: (string | number)[]): Job | null {
    const row = this.#database.prepare(sql).get(...values);
    return row === undefined ? null : toJob(row);
  }

  #count(status: JobStatus, jobs: number, bytes: number): void {
    const total = this.#totals[status];
    this.#totals[status] = { jobs: total.jobs + jobs, bytes: total.bytes + bytes };
  }

  #countAll(): Record<JobStatus, JobTotal> {
    const none = { jobs: 0, bytes: 0 };
    const totals = { queued: none, running: none, done: none, failed: none, cancelled: none };
    const sql =
      'SELECT status, COUNT(*) AS jobs, SUM(size_bytes) AS bytes FROM jobs GROUP BY status';
    for (const row of this.#database.prepare(sql).all()) {
      const status = String(row['status']) as JobStatus;
      totals[status] = { jobs: Number(row['jobs']), bytes: Number(row['bytes']) };
    }
    return totals;
  }
}

function timesAfter(job: Job, status: JobStatus, { nowMs }: EventDetails) {
  return {
    startedMs: status === 'running' ? nowMs : job.startedMs,
    finishedMs: isFinished(status) ? nowMs : null,
  };
}

type Row = Readonly<Record<string, unknown>>;

function idOf(row: Row): string {
  return String(row['id']);
}

/** Nobody else writes the table, and its columns are STRICT: what stands there has the type that was written. */
function toJob(row: Row | undefined): Job {
  if (row === undefined) throw new Error('a row of jobs was expected');
  return {
    number: Number(row['number']),
    id: String(row['id']),
    principalId: String(row['principal_id']),
    idempotencyKey: textOrNull(row['idempotency_key']),
    formDigest: textOrNull(row['form_digest']),
    status: String(row['status']) as JobStatus,
    attempts: Number(row['attempts']),
    crashes: Number(row['crashes']),
    error: row['error'] === null ? null : JSON.parse(String(row['error'])),
    requestId: String(row['request_id']),
    isAwaited: row['is_awaited'] === 1,
    route: String(row['route']) as JobRoute,
    fields: JSON.parse(String(row['fields'])),
    fileName: textOrNull(row['file_name']),
    sampleCount: Number(row['sample_count']),
    sizeBytes: Number(row['size_bytes']),
    createdMs: Number(row['created_ms']),
    startedMs: numberOrNull(row['started_ms']),
    finishedMs: numberOrNull(row['finished_ms']),
  };
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : String(value);
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value);
}
