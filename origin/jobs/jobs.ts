/** Durable jobs: accepted once, worked on until they end, kept for a while, whatever happens to the service. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '#origin/engine/clock.ts';
import type { Job, JobResult } from '#origin/jobs/job.ts';
import { digestForm, type FormFiles, type JobFiles } from '#origin/jobs/job-files.ts';
import type { JobRunner } from '#origin/jobs/job-runner.ts';
import { isFinished, type JobEvent, type JobStatus } from '#origin/jobs/job-state.ts';
import type { JobStore } from '#origin/jobs/job-store.ts';
import type { JobWaiters } from '#origin/jobs/job-waiters.ts';
import { isDiskFull } from '#origin/jobs/sqlite.ts';
import type { Logger } from '#origin/logger.ts';
import type { JobRoute, JobView } from '#shared/contracts/jobs.ts';
import { type SttError, SttException } from '#shared/errors.ts';

export interface JobLimits {
  readonly maxJobs: number;
  readonly maxBytes: number;
  readonly retentionSeconds: number;
}

/** A form that was received and checked. */
export interface JobForm extends FormFiles {
  readonly fileName?: string;
}

/** Who brings a form. */
export interface JobOrigin {
  readonly principalId: string;
  readonly requestId: string;
  readonly idempotencyKey: string | null;
  /** They wait for the end of the job. */
  readonly isAwaited: boolean;
  readonly route: JobRoute;
}

/** Room for a form that is being received. */
export interface Reservation {
  /** @throws SttException storage_full */
  resize(sizeBytes: number): void;
  /** To be called when the form has become a job or is gone. */
  release(): void;
}

/** A job, and the error where it failed. */
export interface JobNews {
  readonly view: JobView;
  readonly error: SttError | null;
}

export interface JobParts {
  readonly store: JobStore;
  readonly files: JobFiles;
  readonly runner: JobRunner;
  readonly waiters: JobWaiters;
  readonly limits: JobLimits;
  /** `now` is milliseconds since 1970. */
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Jobs {
  readonly #parts: JobParts;
  #receiving = { count: 0, bytes: 0 };
  #whenReceived: (() => void)[] = [];
  #isStopping = false;
  #cancelSweep = () => {};

  constructor(parts: JobParts) {
    this.#parts = parts;
  }

  /** Folder for the files of a form while it is received. */
  get incomingDir(): string {
    return this.#parts.files.incomingDir;
  }

  /** Begins the work, and removes from now on what has been kept long enough. */
  start(): void {
    this.#sweepForEver();
    this.#parts.runner.wake();
  }

  /**
   * Keeps room for a form before it is read.
   * @param announcedBytes null when nobody knows: then `resize` has the last word
   * @throws SttException shutting_down, jobs_full, storage_full
   */
  reserve(announcedBytes: number | null, origin: JobOrigin): Reservation {
    if (this.#isStopping) {
      throw new SttException({ kind: 'shutting_down', retryAfterSeconds: RETRY_SECONDS });
    }
    const { queued, running } = this.#parts.store.totals();
    const { maxJobs: limit } = this.#parts.limits;
    const isFull = queued.jobs + running.jobs + this.#receiving.count >= limit;
    // Who comes again for a job that is there brings no further one.
    if (isFull && this.#earlier(origin) === null) {
      throw new SttException({ kind: 'jobs_full', limit, retryAfterSeconds: RETRY_SECONDS });
    }
    const reserved = { bytes: announcedBytes ?? USUAL_BYTES };
    this.#requireRoom(reserved.bytes);
    this.#receive(1, reserved.bytes);
    let isOpen = true;
    return {
      resize: (bytes) => {
        this.#requireRoom(bytes - reserved.bytes);
        this.#receive(0, bytes - reserved.bytes);
        reserved.bytes = bytes;
      },
      release: () => {
        if (isOpen) this.#receive(-1, -reserved.bytes);
        isOpen = false;
      },
    };
  }

  /**
   * Makes a job of a form. When this returns it is on the disk. The same form under the same key gives the job that
   * is there already; the files then stay with the caller.
   * @throws SttException idempotency_conflict, storage_full
   */
  async submit(form: JobForm, origin: JobOrigin): Promise<{ id: string; isRepeated: boolean }> {
    const { store, files, runner, clock } = this.#parts;
    const { idempotencyKey: key, principalId, requestId, isAwaited, route } = origin;
    const formDigest = key === null ? null : await digestForm({ ...form, route });
    const earlier = this.#repeated(origin, formDigest);
    if (earlier !== null) {
      await store.flush();
      return { id: earlier.id, isRepeated: true };
    }
    const id = randomBytes(16).toString('base64url');
    try {
      const sizeBytes = await files.adopt(id, form);
      // Another request with the key may have come first meanwhile.
      const winner = this.#repeated(origin, formDigest);
      if (winner !== null) {
        await files.remove(id);
        await store.flush();
        return { id: winner.id, isRepeated: true };
      }
      store.insert({
        ...{ id, principalId, requestId, isAwaited, route, idempotencyKey: key, formDigest },
        fields: form.fields,
        fileName: form.fileName ?? null,
        sampleCount: form.samplePaths.length,
        sizeBytes,
        createdMs: clock.now(),
      });
    } catch (error) {
      await files.remove(id);
      throw isDiskFull(error)
        ? new SttException({ kind: 'storage_full' }, { cause: error })
        : error;
    }
    runner.wake();
    // The work begins meanwhile; only the answer has to wait for the disk.
    await Promise.all([files.flush(id, form.samplePaths.length), store.flush()]);
    return { id, isRepeated: false };
  }

  /**
   * A job of this principal; after `waitSeconds` at most, or when it has ended.
   * @throws SttException unknown_job
   */
  async look(
    id: string,
    principalId: string,
    wait: { seconds: number; signal: AbortSignal } = NO_WAIT,
  ): Promise<JobNews> {
    const job = await this.#await(id, principalId, wait);
    return { view: this.#view(job), error: job.error };
  }

  /**
   * The answer of a job that is done.
   * @throws SttException unknown_job, job_unfinished, job_cancelled, or what the job failed with
   */
  async result(
    id: string,
    principalId: string,
    wait: { seconds: number; signal: AbortSignal } = NO_WAIT,
  ): Promise<JobResult> {
    const job = await this.#await(id, principalId, wait);
    switch (job.status) {
      case 'queued':
      case 'running':
        throw new SttException({ kind: 'job_unfinished', status: job.status });
      case 'cancelled':
        throw new SttException({ kind: 'job_cancelled' });
      case 'failed':
        throw new SttException(job.error ?? { kind: 'internal' });
      case 'done':
        return this.#parts.store.result(job) ?? unreachable(`job ${id} is done without a result`);
    }
  }

  /**
   * Cancels a job that goes on, forgets one that has ended.
   * @returns the cancelled job, null for a forgotten one
   * @throws SttException unknown_job
   */
  async cancel(id: string, principalId: string): Promise<JobNews | null> {
    const { store, files, runner, waiters, clock } = this.#parts;
    const job = this.#find(id, principalId);
    if (isFinished(job.status)) {
      store.remove(id);
      await store.flush();
      return null;
    }
    const cancelled = store.apply(id, { type: 'cancel' }, { nowMs: clock.now() });
    runner.interrupt(id);
    waiters.release(id);
    await store.flush();
    // The runner removes the files of what runs, once nobody reads them any more.
    if (!runner.isRunning(id)) await files.remove(id);
    return { view: this.#view(cancelled ?? job), error: null };
  }

  counts(): Readonly<Record<JobStatus, number>> {
    const { queued, running, done, failed, cancelled } = this.#parts.store.totals();
    return {
      queued: queued.jobs,
      running: running.jobs,
      done: done.jobs,
      failed: failed.jobs,
      cancelled: cancelled.jobs,
    };
  }

  /** Jobs that wait for their turn. */
  waiting(): number {
    return this.#parts.store.totals().queued.jobs;
  }

  /** Places that jobs have in admission. */
  placesHeld(): number {
    return this.#parts.runner.placesHeld();
  }

  /** Of these, places without a slot, which belong to jobs that wait. */
  placesInLine(): number {
    return this.#parts.runner.placesInLine();
  }

  /** Told by the runner. */
  async afterAttempt(id: string, job: Job | null, event: JobEvent['type']): Promise<void> {
    const { store, files, waiters } = this.#parts;
    if (event === 'hand_back' || job?.status === 'queued') return;
    waiters.release(id);
    // If the end is lost in a power cut the work is done again, for which the files must be there.
    await store.flush();
    await files.remove(id);
  }

  /**
   * Takes no more jobs; resolves when no form is being received and no job runs. Who waits for a job that does not
   * run is answered at once: it will not end before the next start.
   */
  async stop(): Promise<void> {
    const { runner, waiters } = this.#parts;
    this.#isStopping = true;
    const stopped = runner.stop();
    waiters.releaseAll((id) => runner.isRunning(id));
    if (this.#receiving.count > 0) {
      await new Promise<void>((resolve) => this.#whenReceived.push(resolve));
    }
    await stopped;
  }

  /** Interrupts what runs and leaves it to the next start; answers everyone who waits. */
  async handBack(): Promise<void> {
    this.#isStopping = true;
    await this.#parts.runner.handBack();
    this.#parts.waiters.releaseAll();
  }

  close(): void {
    this.#cancelSweep();
    this.#parts.store.close();
  }

  #sweepForEver(): void {
    const { store, clock, logger, limits } = this.#parts;
    let removed = 0;
    try {
      removed = store.removeEndedBefore(clock.now() - limits.retentionSeconds * 1000, SWEEP_BATCH);
    } catch (err) {
      logger.error({ err }, 'jobs whose time is over cannot be removed');
    }
    const usualSeconds = Math.min(limits.retentionSeconds, SWEEP_SECONDS);
    const periodSeconds = removed === SWEEP_BATCH ? 1 : usualSeconds;
    this.#cancelSweep = clock.after(periodSeconds * 1000, () => this.#sweepForEver());
  }

  async #await(
    id: string,
    principalId: string,
    wait: { seconds: number; signal: AbortSignal },
  ): Promise<Job> {
    const { runner, waiters } = this.#parts;
    const job = this.#find(id, principalId);
    const mayEnd = !this.#isStopping || runner.isRunning(id);
    if (isFinished(job.status) || !mayEnd) return job;
    await waiters.wait(id, wait);
    return this.#find(id, principalId);
  }

  #find(id: string, principalId: string): Job {
    const { store, clock } = this.#parts;
    const job = store.find(id);
    const expiresMs = job === null ? null : this.#expiresMs(job);
    const isOver = expiresMs !== null && expiresMs <= clock.now();
    if (job === null || isOver || job.principalId !== principalId) {
      throw new SttException({ kind: 'unknown_job' });
    }
    return job;
  }

  /** The job that is there under the key of a request. */
  #earlier({ idempotencyKey: key, principalId }: JobOrigin): Job | null {
    const { store, clock } = this.#parts;
    const job = key === null ? null : store.findByKey(principalId, key);
    const expiresMs = job === null ? null : this.#expiresMs(job);
    if (job === null || expiresMs === null || expiresMs > clock.now()) return job;
    store.remove(job.id);
    return null;
  }

  /** As above, and of the same form. */
  #repeated(origin: JobOrigin, formDigest: string | null): Job | null {
    const job = this.#earlier(origin);
    if (job !== null && job.formDigest !== formDigest) {
      throw new SttException({ kind: 'idempotency_conflict' });
    }
    return job;
  }

  #requireRoom(bytes: number): void {
    const totals = Object.values(this.#parts.store.totals());
    const usedBytes = totals.reduce((sum, total) => sum + total.bytes, this.#receiving.bytes);
    if (usedBytes + bytes > this.#parts.limits.maxBytes) {
      throw new SttException({ kind: 'storage_full' });
    }
  }

  #expiresMs({ finishedMs }: Job): number | null {
    return finishedMs === null ? null : finishedMs + this.#parts.limits.retentionSeconds * 1000;
  }

  #view(job: Job): JobView {
    const { store, runner } = this.#parts;
    return {
      ...job,
      expiresMs: this.#expiresMs(job),
      queuePosition: job.status === 'queued' ? store.position(job) : null,
      progress: runner.progress(job.id),
    };
  }

  #receive(count: number, bytes: number): void {
    const { count: counted, bytes: reserved } = this.#receiving;
    this.#receiving = { count: counted + count, bytes: reserved + bytes };
    if (this.#receiving.count === 0) for (const resolve of this.#whenReceived.splice(0)) resolve();
  }
}

const NO_WAIT = { seconds: 0, signal: new AbortController().signal };
const RETRY_SECONDS = 10;
/** Of a form of unknown length, until it has been received: some minutes of compressed speech. */
const USUAL_BYTES = 4 * 1024 * 1024;
/** Removed in one go: the loop stands still meanwhile. */
const SWEEP_BATCH = 500;
const SWEEP_SECONDS = 60;

function unreachable(message: string): never {
  throw new Error(message);
}
