/** The only place that knows HTTP status codes: `SttError` → status, headers and JSON body. */
import { describeSttError, type FieldFault, type SttError } from '#shared/errors.ts';
import type { RoomReport } from '#shared/lease-errors.ts';

/** What the answer has to carry besides the error. */
export interface WireContext {
  readonly requestId: string;
  /** The request's `Accept`: `application/problem+json` changes form and content type (RFC 9457). */
  readonly accept?: string | undefined;
}

/** An error answer, ready to be sent. */
export interface WireError {
  readonly status: WireStatus;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
}

/** Member names that FastAPI and RFC 9457 share, so that the callers of either find theirs. */
export interface ErrorBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** A sentence; for 422 FastAPI's array, unless the problem form was asked for. */
  readonly detail: string | readonly FieldDetail[];
  readonly code: SttError['kind'];
  readonly request_id: string;
  /** The problem form of 422. */
  readonly errors?: readonly FieldDetail[];
  /** 429: place in the line that the request would have had. */
  readonly position?: number;
  /** 404 for a model: those that can be asked for. */
  readonly models?: readonly string[];
  /** 503 for GPU memory: where it came nearest, and who would have to go. */
  readonly room?: WireRoom;
  /** Under `/v1/`: the same for readers of OpenAI's errors. */
  readonly error?: OpenAiError;
}

/** The member `error` of OpenAI's answers. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  /** The field that is at fault. */
  readonly param: string | null;
  readonly code: string;
}

/** Sizes are MiB. */
export interface WireRoom {
  readonly device: string;
  readonly room_mib: number;
  readonly other_mib: number;
  readonly blockers: readonly {
    readonly owner: string;
    readonly model: string;
    readonly mib: number;
    readonly priority: number;
    readonly in_use: boolean;
  }[];
}

export interface FieldDetail {
  readonly loc: readonly ['body', string];
  readonly msg: string;
  readonly type: string;
}

export type WireStatus = (typeof STATUS)[SttError['kind']];

/** Turns an error into the answer that a client may see: no cause, no path, no stack. */
export function errorToWire(error: SttError, context: WireContext): WireError {
  const status = STATUS[error.kind];
  const asProblem = context.accept?.includes('application/problem+json') ?? false;
  return {
    status,
    headers: {
      'Content-Type': asProblem ? 'application/problem+json' : 'application/json',
      ...extraHeaders(error),
    },
    body: {
      type: `urn:mana-stt:error:${error.kind.replaceAll('_', '-')}`,
      title: TITLE[status],
      status,
      ...detailMembers(error, asProblem),
      code: error.kind,
      request_id: context.requestId,
      ...extraMembers(error),
    },
  };
}

/**
 * An error body in OpenAI's words.
 * Source: openai-node src/core/error.ts, which takes `error` out of the body and shows `message`.
 */
export function toOpenAiError(
  body: Pick<ErrorBody, 'status'> & {
    readonly code: string;
    readonly detail: string | readonly Pick<FieldDetail, 'loc' | 'msg'>[];
  },
): OpenAiError {
  const { status, code, detail } = body;
  const faults = typeof detail === 'string' ? [] : detail;
  const sentences = faults.map(({ loc, msg }) => `${loc[1]}: ${msg}`);
  return {
    message: typeof detail === 'string' ? detail : sentences.join(' '),
    type: status >= 500 ? 'server_error' : (OPENAI_TYPES[status] ?? 'invalid_request_error'),
    param: faults[0]?.loc[1] ?? null,
    code,
  };
}

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

const STATUS = {
  no_file: 400,
  empty_file: 400,
  several_files: 400,
  undecodable_audio: 400,
  malformed_body: 400,
  invalid_parameter: 400,
  unauthenticated: 401,
  forbidden: 403,
  unknown_model: 404,
  unknown_route: 404,
  unknown_job: 404,
  unknown_lease: 404,
  unknown_device: 404,
  method_not_allowed: 405,
  upload_stalled: 408,
  job_unfinished: 409,
  job_cancelled: 410,
  lease_ended: 410,
  upload_too_large: 413,
  audio_too_long: 413,
  recording_too_large: 413,
  unsupported_media_type: 415,
  invalid_fields: 422,
  idempotency_conflict: 422,
  lease_too_large: 422,
  no_suitable_backend: 422,
  queue_full: 429,
  rate_limited: 429,
  backend_busy: 429,
  // nginx's code for a client that left. It is logged and counted; nobody is there to read it.
  client_gone: 499,
  internal: 500,
  job_given_up: 500,
  backend_unavailable: 502,
  auth_unavailable: 503,
  backends_failed: 503,
  engine_unavailable: 503,
  shutting_down: 503,
  jobs_full: 503,
  no_gpu_memory: 503,
  no_memory_for_model: 503,
  device_unreadable: 503,
  too_many_leases: 503,
  model_unavailable: 503,
  no_backend: 503,
  storage_full: 503,
  timeout: 504,
} as const satisfies Record<SttError['kind'], number>;

const TITLE: Record<WireStatus, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

const STORAGE_RETRY_SECONDS = 60;
const BACKEND_RETRY_SECONDS = 10;
const LEASE_RETRY_SECONDS = 10;

function extraHeaders(error: SttError): Record<string, string> {
  switch (error.kind) {
    case 'auth_unavailable':
    case 'queue_full':
    case 'rate_limited':
    case 'engine_unavailable':
    case 'shutting_down':
    case 'jobs_full':
    case 'backend_busy':
    case 'backends_failed':
    case 'device_unreadable':
    case 'no_memory_for_model':
      return retryAfter(error.retryAfterSeconds);
    case 'no_backend':
      return error.retryAfterSeconds === null ? {} : retryAfter(error.retryAfterSeconds);
    case 'backend_unavailable':
      return { 'Retry-After': String(BACKEND_RETRY_SECONDS) };
    case 'no_gpu_memory':
    case 'too_many_leases':
      return retryAfter(LEASE_RETRY_SECONDS);
    case 'storage_full':
      return { 'Retry-After': String(STORAGE_RETRY_SECONDS) };
    case 'unauthenticated':
      return { 'WWW-Authenticate': 'ApiKey' };
    case 'method_not_allowed':
      return { Allow: error.allowed.join(', ') };
    default:
      return {};
  }
}

function retryAfter(seconds: number): Record<string, string> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) };
}

function extraMembers(error: SttError): Pick<ErrorBody, 'position' | 'models' | 'room'> {
  switch (error.kind) {
    case 'queue_full':
      return { position: error.position };
    case 'unknown_model':
      return { models: error.known };
    case 'no_gpu_memory':
      return { room: toWireRoom(error.room) };
    default:
      return {};
  }
}

function toWireRoom({ device, roomMib, otherMib, blockers }: RoomReport): WireRoom {
  const leases = blockers.map(({ owner, model, mib, priority, isInUse }) => ({
    ...{ owner, model, mib, priority, in_use: isInUse },
  }));
  return { device, room_mib: roomMib, other_mib: otherMib, blockers: leases };
}

function detailMembers(error: SttError, asProblem: boolean): Pick<ErrorBody, 'detail' | 'errors'> {
  if (error.kind !== 'invalid_fields') {
    return { detail: describeSttError(error) };
  }
  const errors = error.faults.map(toFieldDetail);
  return asProblem ? { detail: describeSttError(error), errors } : { detail: errors };
}

function toFieldDetail(fault: FieldFault): FieldDetail {
  return { loc: ['body', fault.field], msg: fault.message, type: fault.type };
}
