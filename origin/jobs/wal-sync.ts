import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Brings what SQLite has written to its log onto the disk: what `PRAGMA synchronous = FULL` does within each commit,
 * here beside the loop and once for all commits that wait. A sync takes from 1 ms to, on a busy disk, 100 ms.
 * Source: https://www.sqlite.org/wal.html#performance_considerations
 */
export class WalSync {
  readonly #path: string;
  readonly #syncData: (fd: number) => Promise<void>;
  #fd: number | null = null;
  #isClosed = false;
  #current: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | null = null;

  /** @param databasePath of a database in WAL mode that stays open until `close` */
  constructor(databasePath: string, syncData = promisify(fdatasync)) {
    this.#path = `${databasePath}-wal`;
    this.#syncData = syncData;
  }

  /** Resolves when every change before the call is on the disk for good. */
  sync(): Promise<void> {
    // The sync under way may have begun before the latest change, so whoever comes now shares the next one.
    this.#waiting ??= this.#after(this.#current);
    return this.#waiting;
  }

  /** After the database has been closed, which brings everything onto the disk. */
  close(): void {
    this.#isClosed = true;
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  async #after(current: Promise<void>): Promise<void> {
    // Its failure is told to those who shared it.
    await current.catch(() => {});
    this.#current = this.#waiting ?? this.#current;
    this.#waiting = null;
    if (this.#isClosed) return;
    // Windows flushes only what may be written.
    this.#fd ??= openSync(this.#path, 'r+');
    await this.#syncData(this.#fd);
  }
}
