/** The composition of durable jobs, and what a start does with what the last one left. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Admission } from '#origin/admission/admission.ts';
import type { Backends } from '#origin/backends/open-backends.ts';
import type { OriginConfig } from '#origin/config.ts';
import type { Clock } from '#origin/engine/clock.ts';
import { JobFiles } from '#origin/jobs/job-files.ts';
import { JobRunner } from '#origin/jobs/job-runner.ts';
import type { JobEvent } from '#origin/jobs/job-state.ts';
import { JobStore } from '#origin/jobs/job-store.ts';
import { JobWaiters } from '#origin/jobs/job-waiters.ts';
import { Jobs } from '#origin/jobs/jobs.ts';
import { performJob } from '#origin/jobs/perform-job.ts';
import type { Logger } from '#origin/logger.ts';
import type { JobOutcome, OriginMetrics } from '#origin/metrics/metrics.ts';
import type { Transcriber } from '#origin/pipeline/transcriber.ts';
import type { Tracing } from '#origin/tracing/tracing.ts';

export interface JobDependencies {
  readonly config: Pick<
    OriginConfig,
    | 'dataDir'
    | 'jobRetentionSeconds'
    | 'maxJobs'
    | 'maxJobsBytes'
    | 'maxConcurrentRequests'
    | 'maxQueue'
  >;
  readonly admission: Admission;
  readonly transcriber: Transcriber;
  /** Absent: jobs are Whisper's alone. */
  readonly backends?: Backends;
  readonly logger: Logger;
  readonly metrics: OriginMetrics;
  readonly tracing?: Tracing;
  /** Told of the length of what was transcribed, for the limits of callers. */
  readonly chargeAudio?: (principalId: string, seconds: number) => void;
  /** `now` is milliseconds since 1970. */
  readonly clock: Clock;
}

/**
 * Opens the jobs of the data folder and queues those again that were cut off. Nothing runs before `start`; whoever
 * opens them calls `close` at the end.
 * @throws Error in one line when the folder or the database cannot be used
 */
export async function openJobs(deps: JobDependencies): Promise<Jobs> {
  const { config, admission, clock, logger, metrics } = deps;
  await mkdir(config.dataDir, { recursive: true });
  const store = new JobStore(join(config.dataDir, 'jobs.sqlite'));
  const files = new JobFiles(join(config.dataDir, 'jobs'));
  try {
    takeBackCutOff(store, deps);
    await files.prepare(store.unfinishedIds());
  } catch (error) {
    store.close();
    throw error;
  }
  const waiters = new JobWaiters(clock);
  const tools = { ...deps, files, now: clock.now };
  const runner = new JobRunner({
    ...{ store, admission, clock, logger },
    maxRunning: config.maxConcurrentRequests,
    maxInLine: config.maxQueue,
    perform: (job, work) => performJob(job, work, tools),
    onAttempt: (id, job, event) => {
      const outcome = outcomeOf(event, job?.status);
      metrics.countJobAttempt(outcome);
      logger.info({ job: id, request_id: job?.requestId, outcome }, 'attempt at a job ended');
      jobs.afterAttempt(id, job, event).catch((err: unknown) => {
        logger.error({ job: id, err }, 'files of a job cannot be removed');
      });
    },
  });
  const jobs = new Jobs({
    ...{ store, files, runner, waiters, clock, logger },
    limits: {
      maxJobs: config.maxJobs,
      maxBytes: config.maxJobsBytes,
      retentionSeconds: config.jobRetentionSeconds,
    },
  });
  return jobs;
}

function outcomeOf(event: JobEvent['type'], status: string | undefined): JobOutcome {
  // Nothing came of the event: the job had been cancelled, or cancelled and forgotten.
  if (status === undefined) return 'cancelled';
  if (event === 'hand_back') return 'handed_back';
  if (event === 'succeed') return 'done';
  return status === 'queued' ? 'retried' : 'failed';
}

function takeBackCutOff(store: JobStore, { clock, logger, metrics }: JobDependencies): void {
  for (const { id, requestId } of store.running()) {
    const job = store.apply(id, { type: 'crash' }, { nowMs: clock.now() });
    metrics.countJobAttempt('crashed');
    const entry = { job: id, request_id: requestId, crashes: job?.crashes };
    if (job?.status === 'failed') logger.error(entry, 'gave up a job: the service ended under it');
    else logger.warn(entry, 'a job was cut off and is queued again');
  }
}
