import { describeLeaseError, type LeaseError } from '#shared/lease-errors.ts';

/**
 * Everything that may go wrong without the program being wrong. Each arm carries its evidence; `error-to-wire.ts`
 * alone decides what a client sees of it.
 */
export type SttError =
  | { readonly kind: 'no_file'; readonly fields: readonly string[] }
  | { readonly kind: 'empty_file' }
  | { readonly kind: 'several_files' }
  /** `explanation`: sentences for the caller, what was found and what to send instead. */
  | { readonly kind: 'undecodable_audio'; readonly explanation: string }
  | { readonly kind: 'audio_too_long'; readonly limitSeconds: number }
  | { readonly kind: 'malformed_body'; readonly problem: string }
  | { readonly kind: 'unsupported_media_type'; readonly found: string | null }
  | { readonly kind: 'upload_stalled'; readonly limitSeconds: number }
  | { readonly kind: 'upload_too_large'; readonly limitBytes: number }
  | { readonly kind: 'invalid_fields'; readonly faults: readonly FieldFault[] }
  | { readonly kind: 'unknown_model'; readonly model: string; readonly known: readonly string[] }
  | { readonly kind: 'unknown_route'; readonly method: string; readonly path: string }
  | {
      readonly kind: 'method_not_allowed';
      readonly method: string;
      readonly allowed: readonly string[];
    }
  | { readonly kind: 'unauthenticated' }
  | { readonly kind: 'forbidden'; readonly wanted: string }
  /** Whoever could say whether the credential is good does not answer. */
  | { readonly kind: 'auth_unavailable'; readonly retryAfterSeconds: number }
  | {
      readonly kind: 'queue_full';
      /** Place in the line that the request would have had, from 1. */
      readonly position: number;
      readonly retryAfterSeconds: number;
    }
  | { readonly kind: 'client_gone' }
  | {
      readonly kind: 'engine_unavailable';
      readonly state: 'starting' | 'restarting' | 'failed';
      readonly retryAfterSeconds: number;
    }
  | { readonly kind: 'shutting_down'; readonly retryAfterSeconds: number }
  /** A model that the settings name is missing or of the wrong kind. `task`: what it is for, e.g. "find speech". */
  | { readonly kind: 'model_unavailable'; readonly model: string; readonly task: string }
  | { readonly kind: 'storage_full' }
  /** `doing` completes "The service gave up after … s while …", e.g. "decoding the audio". */
  | { readonly kind: 'timeout'; readonly doing: string; readonly limitSeconds: number }
  /** Also for a job of someone else: nobody learns what others have here. */
  | { readonly kind: 'unknown_job' }
  | { readonly kind: 'job_unfinished'; readonly status: 'queued' | 'running' }
  | { readonly kind: 'job_cancelled' }
  /** The service itself ended each time that it worked on the job. */
  | { readonly kind: 'job_given_up'; readonly crashes: number }
  | { readonly kind: 'jobs_full'; readonly limit: number; readonly retryAfterSeconds: number }
  | { readonly kind: 'idempotency_conflict' }
  /** A header or a parameter of the address; `message` says what was found and what is allowed. */
  | { readonly kind: 'invalid_parameter'; readonly name: string; readonly message: string }
  | {
      readonly kind: 'rate_limited';
      readonly retryAfterSeconds: number;
      /** What there was too much of; absent: requests. */
      readonly limit?: 'audio';
    }
  /** A machine behind the edge. `backend`: its public name, never its address. */
  | {
      readonly kind: 'backend_unavailable';
      readonly backend: string;
      /** `unusable`: it refused us, or failed inside; whose fault that is stays here. */
      readonly problem: 'unreachable' | 'broken_answer' | 'unusable';
    }
  /** It is there and has no room. */
  | { readonly kind: 'backend_busy'; readonly backend: string; readonly retryAfterSeconds: number }
  /** Several were asked, and each failed in its own way. Names and codes are those of `x-mana-route`. */
  | {
      readonly kind: 'backends_failed';
      readonly tried: readonly { readonly backend: string; readonly code: string }[];
      readonly retryAfterSeconds: number;
    }
  /** None may be asked now, though the request is good. `explanation`: a sentence, which backends and why not. */
  | {
      readonly kind: 'no_backend';
      readonly explanation: string;
      /** Null: waiting does not help. */
      readonly retryAfterSeconds: number | null;
    }
  /** What is asked for, none of them can do. */
  | { readonly kind: 'no_suitable_backend'; readonly explanation: string }
  /** For a backend that has bounds of its own. `explanation`: a sentence, what to do. */
  | { readonly kind: 'recording_too_large'; readonly explanation: string }
  | LeaseError
  | { readonly kind: 'internal' };

/** One form field that could not be read. */
export interface FieldFault {
  readonly field: string;
  /** What was found and what is allowed, as a sentence. */
  readonly message: string;
  /** In the manner of pydantic, e.g. `bool_parsing` or `value_error`. */
  readonly type: string;
}

/** An `SttError` on its way up. `cause` is for the log and never leaves the service. */
export class SttException extends Error {
  override readonly name = 'SttException';
  readonly error: SttError;

  constructor(error: SttError, options?: { cause?: unknown }) {
    super(describeSttError(error), options);
    this.error = error;
  }
}

/** A sentence for people: what was found, which value, what to do. Holds nothing that must stay inside. */
export function describeSttError(error: SttError): string {
  switch (error.kind) {
    case 'unknown_model':
      return `There is no model "${clip(error.model)}" here. Known: ${error.known.join(', ')}.`;
    case 'unknown_route':
      return `There is no ${error.method} ${clip(error.path)} here. GET / lists what there is.`;
    case 'method_not_allowed':
      return `${error.method} is not possible here; use ${error.allowed.join(' or ')}.`;
    case 'unauthenticated':
      return 'Send your key as "X-API-Key: KEY" or "Authorization: Bearer KEY".';
    case 'forbidden':
      return `Your credential does not allow this: ${error.wanted}.`;
    case 'auth_unavailable':
      return `Your credential cannot be checked now. Try again in ${error.retryAfterSeconds} s.`;
    case 'internal':
      return 'Something went wrong inside the service. The request id names the entry in its log.';
    case 'client_gone':
      return 'The client left before the answer was ready.';
    case 'queue_full':
    case 'rate_limited':
    case 'engine_unavailable':
    case 'shutting_down':
    case 'model_unavailable':
    case 'storage_full':
    case 'timeout':
    case 'backend_unavailable':
      return describeServiceState(error);
    case 'backend_busy':
    case 'backends_failed':
    case 'no_backend':
    case 'no_suitable_backend':
    case 'recording_too_large':
      return describeRoutingFault(error);
    case 'unknown_job':
    case 'job_unfinished':
    case 'job_cancelled':
    case 'job_given_up':
    case 'jobs_full':
    case 'idempotency_conflict':
    case 'invalid_parameter':
      return describeJobFault(error);
    case 'no_gpu_memory':
    case 'lease_too_large':
    case 'unknown_device':
    case 'device_unreadable':
    case 'too_many_leases':
    case 'unknown_lease':
    case 'lease_ended':
    case 'no_memory_for_model':
      return describeLeaseError(error);
    default:
      return describeBadUpload(error);
  }
}

type ServiceState = Extract<
  SttError,
  {
    kind:
      | 'queue_full'
      | 'rate_limited'
      | 'engine_unavailable'
      | 'shutting_down'
      | 'model_unavailable'
      | 'storage_full'
      | 'timeout'
      | 'backend_unavailable';
  }
>;

type JobFault = Extract<
  SttError,
  {
    kind:
      | 'unknown_job'
      | 'job_unfinished'
      | 'job_cancelled'
      | 'job_given_up'
      | 'jobs_full'
      | 'idempotency_conflict'
      | 'invalid_parameter';
  }
>;

type RoutingFault = Extract<
  SttError,
  {
    kind:
      | 'backend_busy'
      | 'backends_failed'
      | 'no_backend'
      | 'no_suitable_backend'
      | 'recording_too_large';
  }
>;

type BadUpload = Extract<
  SttError,
  {
    kind:
      | 'no_file'
      | 'empty_file'
      | 'several_files'
      | 'undecodable_audio'
      | 'audio_too_long'
      | 'malformed_body'
      | 'unsupported_media_type'
      | 'upload_stalled'
      | 'upload_too_large'
      | 'invalid_fields';
  }
>;

function describeServiceState(error: ServiceState): string {
  switch (error.kind) {
    case 'queue_full':
      return `All places are taken; you would be number ${error.position} in the line. Try again in ${error.retryAfterSeconds} s.`;
    case 'rate_limited':
      return error.limit === 'audio'
        ? `The audio that you may send in a day is used up. Try again in ${error.retryAfterSeconds} s.`
        : `Too many requests. Try again in ${error.retryAfterSeconds} s.`;
    case 'engine_unavailable':
      return `The speech engine ${ENGINE_STATES[error.state]}. Try again in ${error.retryAfterSeconds} s.`;
    case 'shutting_down':
      return `The service is going down. Try again in ${error.retryAfterSeconds} s.`;
    case 'model_unavailable':
      return `The model "${clip(error.model)}", with which this service is set to ${error.task}, is not installed or of the wrong kind. Its operator finds in the log what to do.`;
    case 'storage_full':
      return 'The service has no room left for uploads. Try again later.';
    case 'timeout':
      return `The service gave up after ${error.limitSeconds} s while ${error.doing}.`;
    case 'backend_unavailable':
      return `The machine "${clip(error.backend)}" ${BACKEND_PROBLEMS[error.problem]}. Try again later.`;
  }
}

function describeRoutingFault(error: RoutingFault): string {
  switch (error.kind) {
    case 'backend_busy':
      return `The backend "${clip(error.backend)}" takes no more recordings at this moment. Try again in ${error.retryAfterSeconds} s.`;
    case 'backends_failed': {
      const tried = error.tried.map(({ backend, code }) => `${clip(backend)} (${clip(code)})`);
      return `No backend could transcribe the recording; tried ${tried.slice(0, 10).join(', ')}. Try again in ${error.retryAfterSeconds} s.`;
    }
    case 'no_backend':
      if (error.retryAfterSeconds === null) return error.explanation;
      return `${error.explanation} Try again in ${error.retryAfterSeconds} s.`;
    case 'no_suitable_backend':
    case 'recording_too_large':
      return error.explanation;
  }
}

function describeJobFault(error: JobFault): string {
  switch (error.kind) {
    case 'unknown_job':
      return 'There is no such job: it never was, was deleted, or its time is over.';
    case 'job_unfinished':
      return `The job is ${error.status}; ask again later, or with "?wait=25" to be told when it ends.`;
    case 'job_cancelled':
      return 'The job was cancelled, so it has no result.';
    case 'job_given_up':
      return `The service ended ${error.crashes} times while it worked on this recording, so it was given up.`;
    case 'jobs_full':
      return `There are ${error.limit} jobs waiting or running, the most that is accepted. Try again in ${error.retryAfterSeconds} s.`;
    case 'idempotency_conflict':
      return 'This Idempotency-Key was used for another form. Take a new key for each new job.';
    case 'invalid_parameter':
      return `${error.name}: ${error.message}`;
  }
}

function describeBadUpload(error: BadUpload): string {
  switch (error.kind) {
    case 'no_file':
      return `The form has no field "file" with a recording (${listFields(error.fields)}).`;
    case 'empty_file':
      return 'The file is empty (0 bytes).';
    case 'several_files':
      return 'The form has more than one file. Send one recording per request.';
    case 'undecodable_audio':
      return error.explanation;
    case 'audio_too_long':
      return `The recording is longer than ${error.limitSeconds} s, the most that is accepted.`;
    case 'malformed_body':
      return `The form could not be read: ${error.problem}.`;
    case 'unsupported_media_type':
      return `Send the recording as multipart/form-data with a field "file"; found ${error.found === null ? 'no Content-Type' : `"${clip(error.found)}"`}.`;
    case 'upload_stalled':
      return `No data came for ${error.limitSeconds} s, so the upload was given up.`;
    case 'upload_too_large':
      return `The upload is larger than ${formatMegabytes(error.limitBytes)} MB, the most that is accepted.`;
    case 'invalid_fields':
      return error.faults.map((fault) => `${fault.field}: ${fault.message}`).join(' ');
  }
}

const ENGINE_STATES = {
  starting: 'is still starting',
  restarting: 'failed and is being started again',
  failed: 'cannot be started',
} as const;

const BACKEND_PROBLEMS = {
  unreachable: 'cannot be reached',
  broken_answer: 'gave an answer that makes no sense',
  unusable: 'cannot be used at this moment',
} as const;

/** Echoed input stays short: an answer is not a place for a caller's megabytes. */
function clip(value: string): string {
  return value.length <= 100 ? value : `${value.slice(0, 100)}…`;
}

function listFields(fields: readonly string[]): string {
  if (fields.length === 0) {
    return 'it has no fields at all';
  }
  const names = fields.slice(0, 10).map((name) => `"${clip(name)}"`);
  return `found: ${names.join(', ')}`;
}

function formatMegabytes(bytes: number): string {
  return String(Math.round((bytes / (1024 * 1024)) * 100) / 100);
}
