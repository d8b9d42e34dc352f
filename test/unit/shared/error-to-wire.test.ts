import { describe, expect, it } from 'vitest';
import { errorToWire, toOpenAiError } from '#shared/error-to-wire.ts';
import { describeSttError, type SttError, SttException } from '#shared/errors.ts';

const BLOCKER = { owner: 'mana-tts', model: 'f5', device: 'GPU-1', mib: 6000, priority: 5 };
const ROOM = {
  ...{ device: 'GPU-1', roomMib: -20, otherMib: 700 },
  blockers: [{ ...BLOCKER, isInUse: true }],
};

/** One of each kind, with the status of the contract. The type makes a new kind a compile error here. */
const EVERY_KIND: { [Kind in SttError['kind']]: [Extract<SttError, { kind: Kind }>, number] } = {
  no_file: [{ kind: 'no_file', fields: ['language'] }, 400],
  empty_file: [{ kind: 'empty_file' }, 400],
  several_files: [{ kind: 'several_files' }, 400],
  undecodable_audio: [{ kind: 'undecodable_audio', explanation: 'This is plain text.' }, 400],
  audio_too_long: [{ kind: 'audio_too_long', limitSeconds: 14_400 }, 413],
  malformed_body: [{ kind: 'malformed_body', problem: 'it ends too early' }, 400],
  unsupported_media_type: [{ kind: 'unsupported_media_type', found: null }, 415],
  upload_stalled: [{ kind: 'upload_stalled', limitSeconds: 30 }, 408],
  upload_too_large: [{ kind: 'upload_too_large', limitBytes: 104_857_600 }, 413],
  invalid_fields: [
    { kind: 'invalid_fields', faults: [{ field: 'align', message: 'no.', type: 'bool_parsing' }] },
    422,
  ],
  unknown_model: [{ kind: 'unknown_model', model: 'huge', known: ['base', 'tiny'] }, 404],
  unknown_route: [{ kind: 'unknown_route', method: 'GET', path: '/x' }, 404],
  method_not_allowed: [{ kind: 'method_not_allowed', method: 'PUT', allowed: ['POST'] }, 405],
  unauthenticated: [{ kind: 'unauthenticated' }, 401],
  forbidden: [{ kind: 'forbidden', wanted: 'transcribing' }, 403],
  auth_unavailable: [{ kind: 'auth_unavailable', retryAfterSeconds: 4 }, 503],
  queue_full: [{ kind: 'queue_full', position: 7, retryAfterSeconds: 12.3 }, 429],
  client_gone: [{ kind: 'client_gone' }, 499],
  engine_unavailable: [
    { kind: 'engine_unavailable', state: 'restarting', retryAfterSeconds: 5 },
    503,
  ],
  shutting_down: [{ kind: 'shutting_down', retryAfterSeconds: 10 }, 503],
  model_unavailable: [{ kind: 'model_unavailable', model: 'x', task: 'find speech' }, 503],
  rate_limited: [{ kind: 'rate_limited', retryAfterSeconds: 20 }, 429],
  backend_unavailable: [
    { kind: 'backend_unavailable', backend: 'gpu', problem: 'unreachable' },
    502,
  ],
  backend_busy: [{ kind: 'backend_busy', backend: 'mistral', retryAfterSeconds: 17 }, 429],
  backends_failed: [
    {
      kind: 'backends_failed',
      tried: [{ backend: 'whisperx', code: 'queue_full' }],
      retryAfterSeconds: 5,
    },
    503,
  ],
  no_backend: [
    {
      kind: 'no_backend',
      explanation: 'No backend is set up.',
      retryAfterSeconds: 10,
    },
    503,
  ],
  no_suitable_backend: [{ kind: 'no_suitable_backend', explanation: 'None translates.' }, 422],
  recording_too_large: [{ kind: 'recording_too_large', explanation: 'Send it in parts.' }, 413],
  storage_full: [{ kind: 'storage_full' }, 503],
  timeout: [{ kind: 'timeout', doing: 'decoding the audio', limitSeconds: 60 }, 504],
  unknown_job: [{ kind: 'unknown_job' }, 404],
  job_unfinished: [{ kind: 'job_unfinished', status: 'running' }, 409],
  job_cancelled: [{ kind: 'job_cancelled' }, 410],
  job_given_up: [{ kind: 'job_given_up', crashes: 3 }, 500],
  jobs_full: [{ kind: 'jobs_full', limit: 1000, retryAfterSeconds: 30 }, 503],
  idempotency_conflict: [{ kind: 'idempotency_conflict' }, 422],
  invalid_parameter: [{ kind: 'invalid_parameter', name: 'wait', message: 'no.' }, 400],
  no_gpu_memory: [{ kind: 'no_gpu_memory', neededMib: 9000, room: ROOM }, 503],
  lease_too_large: [{ kind: 'lease_too_large', neededMib: 90_000, limitMib: 23_552 }, 422],
  no_memory_for_model: [
    {
      ...{ kind: 'no_memory_for_model', model: 'large-v3', neededMib: 6200, roomMib: 2048 },
      ...{ isTooLarge: false, retryAfterSeconds: 10 },
    },
    503,
  ],
  unknown_device: [{ kind: 'unknown_device', device: 'gpu7', known: ['GPU-1'] }, 404],
  device_unreadable: [{ kind: 'device_unreadable', retryAfterSeconds: 1 }, 503],
  too_many_leases: [{ kind: 'too_many_leases', limit: 1000 }, 503],
  unknown_lease: [{ kind: 'unknown_lease' }, 404],
  lease_ended: [{ kind: 'lease_ended', end: 'expired' }, 410],
  internal: [{ kind: 'internal' }, 500],
};

describe('errorToWire', () => {
  it.each(Object.values(EVERY_KIND))('answers $kind as the contract says', (error, status) => {
    const wire = errorToWire(error, { requestId: 'r1' });
    expect(wire.status).toBe(status);
    expect(wire.body).toMatchObject({ status, code: error.kind, request_id: 'r1' });
    expect(wire.body.title).not.toBe('');
    expect(wire.headers['Content-Type']).toBe('application/json');
  });

  it('tells who would have to go when GPU memory is short', () => {
    const { body, headers } = errorToWire(EVERY_KIND.no_gpu_memory[0], { requestId: 'r1' });
    const blocker = { owner: 'mana-tts', model: 'f5', mib: 6000, priority: 5, in_use: true };
    expect(body.room).toEqual({
      ...{ device: 'GPU-1', room_mib: -20, other_mib: 700, blockers: [blocker] },
    });
    expect(headers['Retry-After']).toBe('10');
  });

  it('gives 422 the array of FastAPI', () => {
    const { body } = errorToWire(EVERY_KIND.invalid_fields[0], { requestId: 'r1' });
    expect(body.detail).toEqual([{ loc: ['body', 'align'], msg: 'no.', type: 'bool_parsing' }]);
    expect(body.errors).toBeUndefined();
  });

  it('gives the problem form a sentence and the array beside it', () => {
    const accept = 'application/problem+json, */*';
    const wire = errorToWire(EVERY_KIND.invalid_fields[0], { requestId: 'r1', accept });
    expect(wire.headers['Content-Type']).toBe('application/problem+json');
    expect(wire.body.detail).toBe('align: no.');
    expect(wire.body.errors).toHaveLength(1);
  });

  it('rounds Retry-After up to whole seconds, at least one', () => {
    const retryAfter = (retryAfterSeconds: number) =>
      errorToWire({ kind: 'shutting_down', retryAfterSeconds }, { requestId: 'r1' }).headers[
        'Retry-After'
      ];
    expect([retryAfter(12.3), retryAfter(0)]).toEqual(['13', '1']);
  });

  it('tells the position in the line and the known models', () => {
    const full = errorToWire(EVERY_KIND.queue_full[0], { requestId: 'r1' }).body;
    const model = errorToWire(EVERY_KIND.unknown_model[0], { requestId: 'r1' }).body;
    expect(full).toMatchObject({ position: 7, detail: expect.stringContaining('number 7') });
    expect(model).toMatchObject({
      models: ['base', 'tiny'],
      detail: expect.stringContaining('base'),
    });
  });

  it('says which credential and which methods are wanted', () => {
    const context = { requestId: 'r1' };
    const { headers } = errorToWire({ kind: 'unauthenticated' }, context);
    expect(headers['WWW-Authenticate']).toBe('ApiKey');
    expect(errorToWire(EVERY_KIND.method_not_allowed[0], context).headers['Allow']).toBe('POST');
  });
});

describe('SttException', () => {
  it('says in its message what happened and keeps the cause to itself', () => {
    const cause = new Error('/secret/path');
    const thrown = new SttException({ kind: 'upload_too_large', limitBytes: 1_572_864 }, { cause });
    expect(thrown.message).toContain('1.5 MB');
    expect(JSON.stringify(errorToWire(thrown.error, { requestId: 'r1' }))).not.toContain('secret');
  });
});

describe('describeSttError', () => {
  it('clips what it echoes', () => {
    const path = `/${'x'.repeat(10_000)}`;
    const text = describeSttError({ kind: 'unknown_route', method: 'GET', path });
    expect(text.length).toBeLessThan(250);
  });
});

describe('toOpenAiError', () => {
  const bodyOf = (error: SttError, accept?: string) =>
    errorToWire(error, { requestId: 'r1', accept }).body;

  it.each<[SttError, string]>([
    [{ kind: 'empty_file' }, 'invalid_request_error'],
    [{ kind: 'unauthenticated' }, 'authentication_error'],
    [{ kind: 'forbidden', wanted: 'transcribing' }, 'permission_error'],
    [{ kind: 'rate_limited', retryAfterSeconds: 20 }, 'rate_limit_error'],
    [{ kind: 'internal' }, 'server_error'],
    [{ kind: 'storage_full' }, 'server_error'],
  ])('gives $kind its type', (error, type) => {
    const message = describeSttError(error);
    expect(toOpenAiError(bodyOf(error))).toEqual({ message, type, param: null, code: error.kind });
  });

  it('names the first field that is at fault, and writes all faults as sentences', () => {
    const faults = [
      { field: 'align', message: 'no.', type: 'bool_parsing' },
      { field: 'task', message: 'never.', type: 'value_error' },
    ];
    const error = toOpenAiError(bodyOf({ kind: 'invalid_fields', faults }));
    expect(error).toMatchObject({ message: 'align: no. task: never.', param: 'align' });
  });
});
