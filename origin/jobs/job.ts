import type { JobState } from '#origin/jobs/job-state.ts';
import type { JobRoute } from '#shared/contracts/jobs.ts';
import type { FormField } from '#shared/contracts/transcribe-form.ts';

/** One recording to be transcribed, with what is known about it. Times are milliseconds since 1970. */
export interface Job extends JobState {
  /** Of the order in which jobs came. */
  readonly number: number;
  /** 128 random bits; who knows it and is not its principal still gets nothing. */
  readonly id: string;
  readonly principalId: string;
  readonly idempotencyKey: string | null;
  /** SHA-256 of the form, where there is a key. */
  readonly formDigest: string | null;
  /** Of the request that brought it. */
  readonly requestId: string;
  /** Whoever brought it waits for it, as with `POST /transcribe`. */
  readonly isAwaited: boolean;
  /** Who may do the work. */
  readonly route: JobRoute;
  /** As they were sent; empty once the job has ended. */
  readonly fields: readonly FormField[];
  readonly fileName: string | null;
  /** Samples of known speakers beside the recording. */
  readonly sampleCount: number;
  /** On disk now: the files of a job that goes on, the result of one that is done. */
  readonly sizeBytes: number;
  readonly createdMs: number;
  /** Of the latest start. */
  readonly startedMs: number | null;
  readonly finishedMs: number | null;
}

/** What a new job has. */
export type NewJob = Pick<
  Job,
  | 'id'
  | 'principalId'
  | 'idempotencyKey'
  | 'formDigest'
  | 'requestId'
  | 'isAwaited'
  | 'route'
  | 'fields'
  | 'fileName'
  | 'sampleCount'
  | 'sizeBytes'
  | 'createdMs'
>;

/** An answer as it goes out: written once, so that a later version of the service gives the same. */
export interface JobResult {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
