import { describe, expect, it } from 'vitest';
import { breakerOutcomeOf, describeMistralFailure, moveAfter } from '#shared/mistral/failure.ts';
import { readFailure, readRetryAfter } from '#shared/mistral/read-failure.ts';

const NOW = Date.UTC(2026, 10, 25, 12);

function read(status: number, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return readFailure(new Response(text, { status }), new AbortController().signal, NOW);
}

describe('readFailure', () => {
  it.each([
    [400, { type: 'invalid_model', code: '1500', message: 'Invalid model: x' }, 'unknown_model'],
    [400, { message: 'Could not decode audio' }, 'unreadable_audio'],
    [400, { message: 'Audio is too long' }, 'too_long'],
    [400, { message: 'Prompt exceeds context length' }, 'too_long'],
    [400, { message: 'no', param: 'diarize' }, 'refused'],
    [422, { detail: [{ loc: ['body', 'language'], msg: 'bad' }] }, 'bad_field'],
    [422, { detail: [{ loc: ['body', 'context_bias', 3], msg: 'audio' }] }, 'refused'],
    [422, { detail: [{ loc: ['body', 'file'], msg: 'bad' }] }, 'unreadable_audio'],
    [404, { message: 'no Route matched' }, 'refused'],
    [400, 'not even JSON', 'refused'],
    [400, 'x'.repeat(100_000), 'refused'],
    [402, '', 'misconfigured'],
    [408, '', 'upstream_error'],
    [418, '', 'refused'],
    [524, '', 'upstream_error'],
  ])('reads %d %j as %s', async (status, body, kind) => {
    expect(await read(status, body)).toMatchObject({ kind });
  });
});

describe('readRetryAfter', () => {
  it.each([
    ['30', 30],
    ['0', 0],
    ['Wed, 25 Nov 2026 12:01:00 GMT', 60],
    ['Wed, 25 Nov 2026 11:00:00 GMT', 0],
    ['99999999999', 3600],
    ['soon', null],
    ['x'.repeat(100), null],
    [null, null],
  ])('reads %s as %s s', (header, seconds) => {
    expect(readRetryAfter(header, NOW)).toBe(seconds);
  });
});

describe('moveAfter', () => {
  it('goes on unless it is the caller who is at fault or gone', () => {
    expect(moveAfter({ kind: 'bad_field', field: 'language' })).toBe('final');
    expect(moveAfter({ kind: 'aborted' })).toBe('final');
    expect(moveAfter({ kind: 'misconfigured', status: 401 })).toBe('next');
    expect(moveAfter({ kind: 'unreadable_audio' })).toBe('next');
  });
});

describe('breakerOutcomeOf', () => {
  it('blames the backend for its own failures only, and hands on the peace it asked for', () => {
    expect(breakerOutcomeOf({ kind: 'unreadable_audio' })).toEqual({ kind: 'neutral' });
    expect(breakerOutcomeOf({ kind: 'unreachable' })).toEqual({ kind: 'failure' });
    expect(breakerOutcomeOf({ kind: 'rate_limited', retryAfterSeconds: 3 })).toEqual({
      kind: 'failure',
      retryAfterMs: 3000,
    });
  });
});

describe('describeMistralFailure', () => {
  it('says nothing of a refused key', () => {
    const sentence = describeMistralFailure({ kind: 'misconfigured', status: 401 });
    expect(sentence).toBe('Voxtral cannot be used at this moment.');
  });
});
