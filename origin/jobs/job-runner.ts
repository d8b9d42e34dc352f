/**
 * Takes jobs up, in turn, as fast as admission lets them.
 *
 * A job that somebody waits for is a live request that came another way: it stands in admission's line like one and
 * may take any slot. Live requests are not to suffer from many other jobs, and those not from many requests. So one of
 * them at a time stands in the line, behind who came before and ahead of who comes later; and they never hold the last
 * slot, unless there is only one. Which job a slot is for is decided when it is there, those that are awaited first; so
 * a deleted one costs nobody's turn.
 */
import type { Admission, Place } from '#origin/admission/admission.ts';
import type { Clock } from '#origin/engine/clock.ts';
import type { Job, JobResult } from '#origin/jobs/job.ts';
import { type JobEvent, toJobError } from '#origin/jobs/job-state.ts';
import type { EventDetails, JobStore } from '#origin/jobs/job-store.ts';
import { mayStart } from '#origin/jobs/may-start.ts';
import type { Logger } from '#origin/logger.ts';
import type { TranscribeProgress } from '#origin/pipeline/transcriber.ts';
import type { SttError } from '#shared/errors.ts';

/** What the work on a job may use. */
export interface JobWork {
  /** Aborted when the job is cancelled or the service ends. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TranscribeProgress) => void;
}

export interface RunnerOptions {
  readonly store: JobStore;
  readonly admission: Pick<Admission, 'enterJob'>;
  /** Slots of admission. */
  readonly maxRunning: number;
  /** Awaited jobs in admission's line: as many as requests may stand there, so that neither crowds the other out. */
  readonly maxInLine: number;
  /** `now` is milliseconds since 1970. */
  readonly clock: Clock;
  readonly logger: Logger;
  readonly perform: (job: Job, work: JobWork) => Promise<JobResult>;
  /** An attempt is over; the job as it is now, null when it is gone. */
  readonly onAttempt: (id: string, job: Job | null, event: JobEvent['type']) => void;
}

export class JobRunner {
  readonly #options: RunnerOptions;
  readonly #maxBackground: number;
  readonly #running = new Map<string, Running>();
  readonly #stopping = new AbortController();
  #isClosing = false;
  #inLine: Readonly<Record<Kind, number>> = { awaited: 0, background: 0 };
  #whenIdle: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#maxBackground = Math.max(1, options.maxRunning - 1);
  }

  /** Looks for work; to be called whenever there may be some. */
  wake(): void {
    const { store, maxInLine } = this.#options;
    if (this.#next('awaited') !== null) {
      const wanted = store.countAwaited(Math.max(1, maxInLine));
      while (this.#inLine.awaited < wanted) this.#standInLine('awaited');
    }
    if (this.#inLine.background === 0 && this.#next('background') !== null) {
      this.#standInLine('background');
    }
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  /** Places that jobs have in admission. */
  placesHeld(): number {
    return this.#running.size + this.placesInLine();
  }

  /** Places without a slot. */
  placesInLine(): number {
    return this.#inLine.awaited + this.#inLine.background;
  }

  /** Null before the first part of the recording is done. */
  progress(id: string): TranscribeProgress | null {
    return this.#running.get(id)?.progress ?? null;
  }

  /** Interrupts the work on a job that has been cancelled. */
  interrupt(id: string): void {
    this.#running.get(id)?.abort.abort();
  }

  /** Takes up no more jobs; resolves when those that run have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    }
  }

  /** Interrupts what runs; it goes back to the queue for the next start. */
  async handBack(): Promise<void> {
    this.#isClosing = true;
    for (const { abort } of this.#running.values()) abort.abort();
    await this.stop();
  }

  /** What may be started now beside what runs. */
  #next(kind: Kind): Job | null {
    if (this.#stopping.signal.aborted) return null;
    const { store, clock } = this.#options;
    const job = store.peek(clock.now(), { isAwaited: kind === 'awaited' });
    const running = Array.from(this.#running.values(), (it) => it.job);
    const limits = { maxBackground: this.#maxBackground };
    return job !== null && mayStart(job, running, limits) ? job : null;
  }

  #standInLine(kind: Kind): void {
    this.#countInLine(kind, 1);
    this.#takeTurn(kind).catch((err: unknown) => {
      this.#options.logger.error({ err }, 'jobs cannot be taken up');
      this.#wakeAfter(STORE_RETRY_SECONDS);
    });
  }

  #countInLine(kind: Kind, more: 1 | -1): void {
    this.#inLine = { ...this.#inLine, [kind]: this.#inLine[kind] + more };
  }

  async #takeTurn(kind: Kind): Promise<void> {
    const place = this.#options.admission.enterJob();
    let started: Job | null = null;
    try {
      await place.start(this.#stopping.signal);
      const job = this.#next('awaited') ?? this.#next('background');
      if (job !== null) started = this.#apply(job.id, { type: 'start' });
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    } finally {
      this.#countInLine(kind, -1);
      if (started === null) place.leave();
    }
    if (started === null) return;
    void this.#run(started, place);
    this.wake();
  }

  async #run(job: Job, place: Place): Promise<void> {
    const running: Running = { job, abort: new AbortController(), progress: null };
    this.#running.set(job.id, running);
    const outcome = await this.#attempt(job, running);
    this.#settle(job.id, outcome);
    this.#running.delete(job.id);
    place.leave();
    if (this.#running.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
    this.wake();
  }

  async #attempt(job: Job, running: Running): Promise<Outcome> {
    try {
      const result = await this.#options.perform(job, {
        signal: running.abort.signal,
        onProgress: (progress) => {
          running.progress = progress;
        },
      });
      return { event: { type: 'succeed' }, result };
    } catch (thrown) {
      if (this.#isClosing) return { event: { type: 'hand_back' } };
      const error = toJobError(thrown);
      const level = error.kind === 'internal' ? 'error' : 'debug';
      if (!running.abort.signal.aborted) {
        const entry = { job: job.id, request_id: job.requestId, code: error.kind, err: thrown };
        this.#options.logger[level](entry, 'job failed');
      }
      const delaySeconds = retryDelaySeconds(error);
      return { event: { type: 'fail', error, isAwaited: job.isAwaited }, delaySeconds };
    }
  }

  /** Writes down how an attempt ended; a disk that is full now may have room later. */
  #settle(id: string, outcome: Outcome): void {
    const { event, result, delaySeconds = 0 } = outcome;
    const { clock, logger, onAttempt } = this.#options;
    try {
      const notBeforeMs = clock.now() + delaySeconds * 1000;
      const job = this.#apply(id, event, { ...(result && { result }), notBeforeMs });
      if (job?.status === 'queued') this.#wakeAfter(delaySeconds);
      onAttempt(id, job, event.type);
    } catch (err) {
      logger.error({ job: id, err }, 'the end of a job cannot be stored');
      clock.after(STORE_RETRY_SECONDS * 1000, () => {
        if (!this.#isClosing) this.#settle(id, outcome);
      });
    }
  }

  #apply(id: string, event: JobEvent, details: Partial<EventDetails> = {}): Job | null {
    return this.#options.store.apply(id, event, {
      ...details,
      nowMs: this.#options.clock.now(),
    });
  }

  #wakeAfter(seconds: number): void {
    this.#options.clock.after(seconds * 1000, () => this.wake());
  }
}

/** Of a turn in the line. */
type Kind = 'awaited' | 'background';

interface Running {
  readonly job: Job;
  readonly abort: AbortController;
  progress: TranscribeProgress | null;
}

interface Outcome {
  readonly event: JobEvent;
  readonly result?: JobResult;
  readonly delaySeconds?: number;
}

const STORE_RETRY_SECONDS = 30;
const MAX_DELAY_SECONDS = 60;

function retryDelaySeconds(error: SttError): number {
  const wanted = 'retryAfterSeconds' in error ? error.retryAfterSeconds : null;
  return Math.min(Math.max(wanted ?? MAX_DELAY_SECONDS, 1), MAX_DELAY_SECONDS);
}
