/** The answers of `/jobs`. */
import { z } from 'zod';
import type { ErrorBody } from '#shared/error-to-wire.ts';

/** `POST /jobs?route=…`: as `POST /transcribe`, `/transcribe/voxtral` or `/transcribe/auto` would do it. */
export const JobRoute = z.enum(['whisper', 'voxtral', 'auto']);

export type JobRoute = z.infer<typeof JobRoute>;

/** How far the work on a job has come. */
export const JobProgress = z.object({
  stage: z
    .enum(['waiting', 'preparing', 'transcribing', 'ended'])
    .describe('`preparing`: no part of the recording is done yet.'),
  percent: z.number().int().min(0).max(100).describe('Of the recording, 0 to 100.'),
});

/** `POST /jobs`, `GET /jobs/{id}` and, for a job that went on, `DELETE /jobs/{id}`. */
export const JobResponse = z.object({
  id: z.string().describe('Cannot be guessed; for its owner only.'),
  status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
  progress: JobProgress,
  queue_position: z
    .number()
    .int()
    .nullable()
    .describe('Place among those that wait, from 1; null when it does not wait.'),
  attempts: z.number().int().describe('Times that work on it began.'),
  error: z
    .looseObject({ status: z.number().int(), code: z.string() })
    .nullable()
    .describe('Of a failed job: the body that `POST /transcribe` would have answered with.'),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().nullable(),
  finished_at: z.iso.datetime().nullable(),
  expires_at: z.iso
    .datetime()
    .nullable()
    .describe('When it is forgotten, with its result; null until it has ended.'),
  request_id: z.string().describe('Of the request that brought it.'),
});

export type JobProgress = z.infer<typeof JobProgress>;
export type JobResponse = z.infer<typeof JobResponse>;

/** A caller who waits for the job says so with `POST /jobs`: `Prefer: wait` (RFC 7240). */
export const PREFER_WAIT = 'wait';

/** Whether a `Prefer` header holds `wait`, with or without seconds. The first 1,000 characters count. */
export function prefersWait(header: string | null | undefined): boolean {
  const preferences = (header ?? '').slice(0, 1000).split(',');
  return preferences.some((preference) => /^\s*wait\s*(=|;|$)/i.test(preference));
}

/** A job as the service knows it. Times are milliseconds since 1970. */
export interface JobView {
  readonly id: string;
  readonly status: JobResponse['status'];
  readonly attempts: number;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly finishedMs: number | null;
  readonly expiresMs: number | null;
  readonly requestId: string;
  readonly queuePosition: number | null;
  /** Null before the first part of the recording is done. */
  readonly progress: { readonly doneSeconds: number; readonly totalSeconds: number } | null;
}

/** @param error the answer to a failed job */
export function toJobResponse(job: JobView, error: ErrorBody | null): JobResponse {
  return {
    id: job.id,
    status: job.status,
    progress: toProgress(job),
    queue_position: job.queuePosition,
    attempts: job.attempts,
    error: error === null ? null : { ...error },
    created_at: toDate(job.createdMs),
    started_at: toDateOrNull(job.startedMs),
    finished_at: toDateOrNull(job.finishedMs),
    expires_at: toDateOrNull(job.expiresMs),
    request_id: job.requestId,
  };
}

function toProgress({ status, progress }: JobView): JobProgress {
  if (status === 'done') return { stage: 'ended', percent: 100 };
  const share =
    progress === null ? 0 : progress.doneSeconds / Math.max(progress.totalSeconds, 1e-3);
  // 100 is for those who have everything.
  const percent = Math.max(0, Math.min(99, Math.floor(share * 100)));
  if (status === 'queued') return { stage: 'waiting', percent: 0 };
  if (status !== 'running') return { stage: 'ended', percent };
  return { stage: progress === null ? 'preparing' : 'transcribing', percent };
}

function toDate(ms: number): string {
  return new Date(ms).toISOString();
}

function toDateOrNull(ms: number | null): string | null {
  return ms === null ? null : toDate(ms);
}
