/** Node's own SQLite, without the warning that Node 22 prints for it on every start. */
import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

export type { DatabaseSync } from 'node:sqlite';

/**
 * Opens a database that belongs to this process alone until it ends, however it ends.
 * @param contents what lies in it, in the plural, for the message of a fault
 * @throws Error in one line when another process has it, or it is none
 */
export function openDatabase(path: string, contents = 'jobs'): DatabaseSync {
  const { DatabaseSync: Database } = loadSqlite();
  let database: DatabaseSync | null = null;
  try {
    // Holds what people said: for this user alone. SQLite gives its other files the same mode.
    closeSync(openSync(path, 'a', 0o600));
    database = new Database(path);
    // Exclusive: two services that work on the same jobs would do all of them twice.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.exec('PRAGMA journal_mode = WAL');
    // Survives the end of the process; what must survive a power cut is brought to the disk by `WalSync`.
    database.exec('PRAGMA synchronous = NORMAL');
    database.exec('PRAGMA foreign_keys = ON');
    // Takes the lock now and not with the first job.
    database.exec('BEGIN IMMEDIATE; COMMIT');
    return database;
  } catch (error) {
    database?.close();
    throw explainOpenError(error, { path, contents });
  }
}

/** Runs `work` wholly or not at all. */
export function inTransaction<Value>(database: DatabaseSync, work: () => Value): Value {
  database.exec('BEGIN IMMEDIATE');
  try {
    const value = work();
    database.exec('COMMIT');
    return value;
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** The disk took no more. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isFile = 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return isFile || ('errcode' in error && error.errcode === SQLITE_FULL);
}

/** A service that was killed a moment ago may still hold the lock. */
const BUSY_TIMEOUT_MS = 2000;

function loadSqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

function explainOpenError(
  error: unknown,
  { path, contents }: { path: string; contents: string },
): Error {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  if (code === SQLITE_BUSY) {
    return new Error(`${path} is in use: another service runs with this DATA_DIR. Stop it first.`);
  }
  const found = error instanceof Error ? error.message : String(error);
  return new Error(
    `The ${contents} in ${path} cannot be read (${found}). Move the file away to start without them.`,
  );
}
