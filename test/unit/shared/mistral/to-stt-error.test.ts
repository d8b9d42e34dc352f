import { describe, expect, it } from 'vitest';
import { errorToWire } from '#shared/error-to-wire.ts';
import type { MistralFailure } from '#shared/mistral/failure.ts';
import { toSttError } from '#shared/mistral/to-stt-error.ts';

const REQUEST = { backend: 'mistral', model: 'voxtral-mini-2602', isModelNamed: false };

function wireOf(failure: MistralFailure, request = REQUEST) {
  return errorToWire(toSttError(failure, request), { requestId: 'r' });
}

describe('toSttError', () => {
  it.each<[MistralFailure, number, string]>([
    [{ kind: 'misconfigured', status: 401 }, 502, 'backend_unavailable'],
    [{ kind: 'bad_field', field: 'language' }, 422, 'invalid_fields'],
    [{ kind: 'unreadable_audio' }, 400, 'undecodable_audio'],
    [{ kind: 'too_long' }, 413, 'recording_too_large'],
    [{ kind: 'too_large' }, 413, 'recording_too_large'],
    [{ kind: 'unknown_model' }, 502, 'backend_unavailable'],
    [{ kind: 'refused', status: 422 }, 502, 'backend_unavailable'],
    [{ kind: 'rate_limited', retryAfterSeconds: 17 }, 429, 'backend_busy'],
    [{ kind: 'upstream_error', status: 500, retryAfterSeconds: 3 }, 502, 'backend_unavailable'],
    [{ kind: 'unreachable' }, 502, 'backend_unavailable'],
    [{ kind: 'timeout', limitMs: 5000 }, 504, 'timeout'],
    [{ kind: 'broken_answer', problem: 'not_json' }, 502, 'backend_unavailable'],
    [{ kind: 'upload_failed' }, 500, 'internal'],
    [{ kind: 'aborted' }, 499, 'client_gone'],
  ])('answers %j with %d %s', (failure, status, code) => {
    expect(wireOf(failure)).toMatchObject({ status, body: { code } });
  });

  it.each([null, 0, 17])('always says when to come back to one that is busy (%j)', (seconds) => {
    const { headers } = wireOf({ kind: 'rate_limited', retryAfterSeconds: seconds });
    expect(Number(headers['Retry-After'])).toBeGreaterThan(0);
  });

  it('says 404 with the other models only to who named the one that is gone', () => {
    const { status, body } = wireOf({ kind: 'unknown_model' }, { ...REQUEST, isModelNamed: true });
    expect(status).toBe(404);
    expect(body.models).not.toContain(REQUEST.model);
    expect(body.models).toContain('voxtral-mini-latest');
  });

  it('tells nothing of a key that was refused', () => {
    const { body } = wireOf({ kind: 'misconfigured', status: 401 });
    const other = wireOf({ kind: 'upstream_error', status: 503, retryAfterSeconds: null });
    expect(body).toEqual(other.body);
  });
});
