/**
 * Who may work, who waits, who is sent away.
 *
 * A request takes a *place* before its body is read: when none is free it is refused without a byte having been
 * read. It then uploads, and only with the whole file on disk does it join the line for one of the few *slots* in
 * which recordings are transcribed. So a slow upload never holds a slot, the engine never waits for a network,
 * faults of a form are told at once, and what is held is bounded: (slots + queue) files on disk, none in memory.
 *
 * Jobs wait on disk and are counted there. A few of them stand in the line, in places that nobody else could have had:
 * those that somebody waits for, as many as requests may, and one of the others at a time. So each gets its turn like a
 * request, and a thousand that nobody waits for are one in the eyes of the next caller.
 */
import { SttException } from '#shared/errors.ts';

export interface AdmissionOptions {
  /** Recordings transcribed at a time. */
  readonly maxRunning: number;
  /** Requests that may upload or wait besides those. */
  readonly maxQueue: number;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** A place. Whoever got one must `leave` it, whatever happens; leaving twice does no harm. */
export interface Place {
  /**
   * Waits for a slot, first come first served.
   * @throws SttException `client_gone` when the signal aborts first
   */
  start(signal: AbortSignal): Promise<void>;
  leave(): void;
}

export interface AdmissionCounts {
  /** Requests in a slot. */
  readonly running: number;
  /** Requests that upload or wait for a slot. */
  readonly waiting: number;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #recentMs: number[] = [];
  readonly #line: (() => void)[] = [];
  #places = 0;
  /** Of the places, those of jobs that have no slot yet: they lie beside the queue. */
  #waitingJobs = 0;
  #running = 0;
  #closed = false;
  #whenEmpty: (() => void)[] = [];

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  counts(): AdmissionCounts {
    return { running: this.#running, waiting: this.#places - this.#running };
  }

  /** Recordings that could begin at once; none after `close`. */
  freeSlots(): number {
    return this.#closed ? 0 : this.#options.maxRunning - this.#running;
  }

  /** `close` has been called. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** @throws SttException `queue_full` or, after `close`, `shutting_down` */
  enter(): Place {
    const { maxRunning, maxQueue } = this.#options;
    if (this.#closed) {
      const retryAfterSeconds = SHUTDOWN_RETRY_SECONDS;
      throw new SttException({ kind: 'shutting_down', retryAfterSeconds });
    }
    if (this.#places - this.#waitingJobs >= maxRunning + maxQueue) {
      const position = this.#places - this.#running + 1;
      const retryAfterSeconds = this.#estimateWaitSeconds(position);
      throw new SttException({ kind: 'queue_full', position, retryAfterSeconds });
    }
    this.#places++;
    return this.#createPlace();
  }

  /** A place for a job, which is there however long the queue is. Whoever asks sees to it that few have no slot. */
  enterJob(): Place {
    this.#places++;
    this.#waitingJobs++;
    const place = this.#createPlace();
    let isWaiting = true;
    const stopWaiting = () => {
      this.#waitingJobs -= isWaiting ? 1 : 0;
      isWaiting = false;
    };
    return {
      start: async (signal) => {
        await place.start(signal);
        stopWaiting();
      },
      leave: () => {
        stopWaiting();
        place.leave();
      },
    };
  }

  /** Refuses newcomers and resolves when everyone who is inside has left. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#places > 0) {
      await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
    }
  }

  #createPlace(): Place {
    let startedMs: number | null = null;
    let hasLeft = false;
    return {
      start: async (signal) => {
        await this.#waitForSlot(signal);
        startedMs = this.#options.now();
      },
      leave: () => {
        if (hasLeft) {
          return;
        }
        hasLeft = true;
        this.#places--;
        if (startedMs !== null) {
          this.#freeSlot(this.#options.now() - startedMs);
        }
        if (this.#places === 0) {
          this.#whenEmpty.splice(0).forEach((resolve) => {
            resolve();
          });
        }
      },
    };
  }

  async #waitForSlot(signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      throw new SttException({ kind: 'client_gone' });
    }
    if (this.#running < this.#options.maxRunning) {
      this.#running++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#line.splice(this.#line.indexOf(enter), 1);
        reject(new SttException({ kind: 'client_gone' }));
      };
      const enter = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#line.push(enter);
    });
  }

  /** The slot passes to the next in line without ever being free, so nobody can overtake. */
  #freeSlot(tookMs: number): void {
    this.#recentMs.push(tookMs);
    if (this.#recentMs.length > REMEMBERED_REQUESTS) {
      this.#recentMs.shift();
    }
    const next = this.#line.shift();
    if (next === undefined) {
      this.#running--;
      return;
    }
    next();
  }

  /** Until the line ahead is gone, going by the mean of the latest requests. */
  #estimateWaitSeconds(position: number): number {
    const total = this.#recentMs.reduce((sum, value) => sum + value, 0);
    const meanMs = this.#recentMs.length === 0 ? FIRST_GUESS_MS : total / this.#recentMs.length;
    const seconds = Math.ceil((meanMs * position) / this.#options.maxRunning / 1000);
    return Math.min(Math.max(seconds, 1), MAX_RETRY_SECONDS);
  }
}

const REMEMBERED_REQUESTS = 20;
/** Before anything was measured: a few minutes of speech on a CPU. */
const FIRST_GUESS_MS = 10_000;
/** Nobody should stay away longer on the word of an estimate. */
const MAX_RETRY_SECONDS = 600;
/** A restart with a model load fits in. */
const SHUTDOWN_RETRY_SECONDS = 10;
