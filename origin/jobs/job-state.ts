/**
 * What may happen to a job, and what becomes of it. Pure: the store keeps the state, the runner tells the events.
 *
 * `queued → running → done | failed`, back to `queued` when the work was cut off, `cancelled` from both. Finished
 * states stay as they are, so a late event (the answer of cancelled work) changes nothing.
 */
import { type SttError, SttException } from '#shared/errors.ts';

export type JobStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

export interface JobState {
  readonly status: JobStatus;
  /** Starts that count: those that were handed back do not. */
  readonly attempts: number;
  /** Starts during which the service itself ended. */
  readonly crashes: number;
  /** Of a failed job. */
  readonly error: SttError | null;
}

export type JobEvent =
  | { readonly type: 'start' }
  | { readonly type: 'succeed' }
  /** `isAwaited`: somebody waits, who would rather know soon than have it done late. */
  | { readonly type: 'fail'; readonly error: SttError; readonly isAwaited?: boolean }
  /** The service goes down in good order and leaves the work to its next start. */
  | { readonly type: 'hand_back' }
  /** The service has just started and finds that the job was running when the last one ended. */
  | { readonly type: 'crash' }
  | { readonly type: 'cancel' };

export const NEW_JOB: JobState = { status: 'queued', attempts: 0, crashes: 0, error: null };

/** A recording that ends the service or the engine is not tried for ever. */
export const MAX_ATTEMPTS = 3;

/** The state after an event; null when the event has no meaning in this state. */
export function nextState(state: JobState, event: JobEvent): JobState | null {
  if (event.type === 'cancel') {
    return isFinished(state.status) ? null : { ...state, status: 'cancelled' };
  }
  if (event.type === 'start') {
    const attempts = state.attempts + 1;
    return state.status === 'queued' ? { ...state, status: 'running', attempts } : null;
  }
  return state.status === 'running' ? afterWork(state, event) : null;
}

export function isFinished(status: JobStatus): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}

/** Failures of the service and not of the recording: another attempt may go well. */
export function isTransient(error: SttError): boolean {
  switch (error.kind) {
    case 'engine_unavailable':
    case 'storage_full':
    case 'device_unreadable':
      return true;
    case 'no_memory_for_model':
      return !error.isTooLarge;
    default:
      return false;
  }
}

/** Nobody could do it now, though it can be done: vLLM that is still loading its weights, for one. */
function isOfBackends(error: SttError): boolean {
  if (error.kind === 'no_backend') return error.retryAfterSeconds !== null;
  return error.kind === 'backends_failed';
}

function mayRepeat({ error, isAwaited = true }: Extract<JobEvent, { type: 'fail' }>): boolean {
  return isTransient(error) || (!isAwaited && isOfBackends(error));
}

/** What was thrown while a job was worked on, as an error that can be kept. */
export function toJobError(thrown: unknown): SttError {
  // Nobody is there who could leave: whoever says so has lost track.
  const isKnown = thrown instanceof SttException && thrown.error.kind !== 'client_gone';
  return isKnown ? thrown.error : { kind: 'internal' };
}

function afterWork(
  state: JobState,
  event: Exclude<JobEvent, { type: 'start' | 'cancel' }>,
): JobState {
  switch (event.type) {
    case 'succeed':
      return { ...state, status: 'done' };
    case 'fail':
      return mayRepeat(event) && state.attempts < MAX_ATTEMPTS
        ? { ...state, status: 'queued' }
        : { ...state, status: 'failed', error: event.error };
    case 'hand_back':
      return { ...state, status: 'queued', attempts: state.attempts - 1 };
    case 'crash':
      return afterCrash({ ...state, crashes: state.crashes + 1 });
  }
}

function afterCrash(state: JobState): JobState {
  const { crashes } = state;
  return crashes < MAX_ATTEMPTS
    ? { ...state, status: 'queued' }
    : { ...state, status: 'failed', error: { kind: 'job_given_up', crashes } };
}
