import type { NewJob } from '#origin/jobs/job.ts';

let count = 0;

/** A job as a route would make it, with an id of its own. */
export function newJob(given: Partial<NewJob> = {}): NewJob {
  count++;
  return {
    id: `job-${count}`,
    principalId: 'local',
    idempotencyKey: null,
    formDigest: null,
    requestId: `request-${count}`,
    isAwaited: false,
    route: 'whisper',
    fields: [{ name: 'language', value: 'en' }],
    fileName: 'hello.wav',
    sampleCount: 0,
    sizeBytes: 1000,
    createdMs: 0,
    ...given,
  };
}
