/** Which job may start beside those that run. Pure. */
import type { Job } from '#origin/jobs/job.ts';

/** What counts of a job. */
export type Candidate = Pick<Job, 'isAwaited' | 'crashes'>;

/**
 * A job that somebody waits for may take every slot; of the others, `maxBackground` run at a time.
 *
 * A job under which the service has ended before is suspect: none of its kind runs beside it, and no other suspect.
 * One of the other kind may, since a live caller should not wait for hours on a suspicion: if it goes down with the
 * suspect it becomes one itself, so that happens to it once.
 */
export function mayStart(
  job: Candidate,
  running: readonly Candidate[],
  limits: { readonly maxBackground: number },
): boolean {
  const ofItsKind = running.filter(({ isAwaited }) => isAwaited === job.isAwaited);
  if (!job.isAwaited && ofItsKind.length >= limits.maxBackground) return false;
  return isSuspect(job)
    ? ofItsKind.length === 0 && !running.some(isSuspect)
    : !ofItsKind.some(isSuspect);
}

function isSuspect({ crashes }: Candidate): boolean {
  return crashes > 0;
}
