/** Our client and the routes of the stand-in for vLLM, in one process. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PieceOptions, type PieceRequest, transcribePiece } from '#origin/voxtral/client.ts';
import { describeVoxtralFailure, moveAfter } from '#origin/voxtral/failure.ts';
import { findVoxtralModel } from '#origin/voxtral/models.ts';
import { HeldClock } from '#test/support/held-clock.ts';
import { Memory } from '#test/support/vllm-stand-in/memory.ts';
import { GOOD_MODES, type Modes, type TranscribeMode } from '#test/support/vllm-stand-in/modes.ts';
import { createStandInServer, type SeenRequest } from '#test/support/vllm-stand-in/server.ts';
import {
  hear,
  SAMPLE_RATE,
  speak,
  WORD_SAMPLES,
} from '#test/support/vllm-stand-in/spoken-words.ts';

const MODEL = findVoxtralModel('3B')!;
const modes: { current: Modes } = { current: GOOD_MODES };
let server: Server;
let baseUrl: string;

beforeEach(async () => {
  modes.current = GOOD_MODES;
  server = createStandInServer({
    model: MODEL.repository,
    maxModelLen: MODEL.contextTokens,
    hasSleep: true,
    memory: new Memory(),
    hear,
    modes,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Three words in a second. */
function speech(): Float32Array {
  const samples = new Float32Array(SAMPLE_RATE);
  for (const [i, word] of [10, 20, 30].entries())
    speak(samples, 100 + i * (WORD_SAMPLES + 900), word);
  return samples;
}

function send(options: Partial<PieceOptions> = {}, request: Partial<PieceRequest> = {}) {
  return transcribePiece(
    { model: MODEL, samples: speech(), language: null, ...request },
    {
      address: { baseUrl, apiKey: null },
      timeoutMs: 60_000,
      signal: new AbortController().signal,
      ...options,
    },
  );
}

function misbehave(...transcribe: TranscribeMode[]): void {
  modes.current = { ...modes.current, transcribe };
}

async function requests(): Promise<SeenRequest[]> {
  return (await (await fetch(`${baseUrl}/stand-in/requests`)).json()) as SeenRequest[];
}

async function begun(): Promise<void> {
  await fetch(`${baseUrl}/stand-in/begun?count=1`);
}

const TEXT = { ok: true, value: 'WA wk wu.' };

describe('transcribePiece', () => {
  it('gives the text of a stream as of chat', async () => {
    const deltas: string[] = [];
    expect(await send({ onDelta: (text) => deltas.push(text) })).toEqual(TEXT);
    expect(deltas).toEqual(['WA', ' wk', ' wu.', '']);
  });

  it("gives the text of a stream of OpenAI's events", async () => {
    modes.current = { ...GOOD_MODES, shape: 'events' };
    expect(await send()).toEqual(TEXT);
  });

  it('gives the text of a JSON answer', async () => {
    expect(await send({ stream: false })).toEqual(TEXT);
  });

  it('sends model, language and temperature, and a bound for the text', async () => {
    await send({}, { language: 'de' });
    expect((await requests())[0]).toMatchObject({
      fields: {
        model: 'mistralai/Voxtral-Mini-3B-2507',
        language: 'de',
        response_format: 'json',
        temperature: '0',
        stream: 'true',
        max_completion_tokens: '276',
      },
      seconds: 1,
      sizeBytes: 32_044,
    });
  });

  it('leaves a language out that Voxtral does not know, and one that nobody named', async () => {
    await send({}, { language: 'xh' });
    await send();
    const sent = (await requests()).map(({ fields }) => 'language' in fields);
    expect(sent).toEqual([false, false]);
  });

  it('sends its key to a server that wants one', async () => {
    const seen: (string | null)[] = [];
    const spy: typeof fetch = (input, init) => {
      seen.push(new Headers(init?.headers).get('authorization'));
      return fetch(input, init);
    };
    await send({ address: { baseUrl, apiKey: 'key' }, fetch: spy });
    expect(seen).toEqual(['Bearer key']);
  });

  it.each([
    ['error', true, 'error_in_answer', 'again'],
    ['error', false, 'error_in_answer', 'again'],
    ['cut', true, 'broken_answer', 'again'],
    ['cut', false, 'broken_answer', 'again'],
    ['length', true, 'out_of_context', 'next'],
    ['status_500', true, 'server_error', 'again'],
    ['status_429', true, 'overloaded', 'again'],
  ] as const)('recognises %s (stream: %s) as %s', async (mode, stream, kind, move) => {
    misbehave(mode);
    const result = await send({ stream });
    if (result.ok) throw new Error(result.value);
    expect(result.error.kind).toBe(kind);
    expect(moveAfter(result.error)).toBe(move);
    expect(JSON.stringify([result, describeVoxtralFailure(result.error)])).not.toContain('secret');
  });

  it('tells how long a server without room wants to be left alone', async () => {
    misbehave('status_429');
    expect(await send()).toEqual({
      ok: false,
      error: { kind: 'overloaded', retryAfterSeconds: 1 },
    });
  });

  it('gives up a stream that stops in the middle', async () => {
    misbehave('stall');
    const clock = new HeldClock(5000);
    const result = send({ clock, stallMs: 5000 });
    await clock.fire(5000);
    expect(await result).toEqual({ ok: false, error: { kind: 'stalled', limitMs: 5000 } });
  });

  it('gives up a request that nobody answers', async () => {
    misbehave('hang');
    const clock = new HeldClock(9000);
    const result = send({ clock, timeoutMs: 9000 });
    await begun();
    await clock.fire(9000);
    expect(await result).toEqual({ ok: false, error: { kind: 'timeout', limitMs: 9000 } });
  });

  it('ends at once when the caller has gone', async () => {
    misbehave('hang');
    const caller = new AbortController();
    const result = send({ signal: caller.signal });
    await begun();
    caller.abort();
    expect(await result).toEqual({ ok: false, error: { kind: 'aborted' } });
  });

  it('gives up a stream of blanks', async () => {
    const blanks = 'data: {"choices":[{"delta":{"content":" "}}]}\n\n'.repeat(11);
    const fetch = async () =>
      new Response(blanks, { headers: { 'content-type': 'text/event-stream' } });
    expect(await send({ fetch, maxBlankDeltas: 10 })).toMatchObject({ error: { kind: 'blank' } });
  });

  it('reads no more than a bounded answer', async () => {
    const line = new TextEncoder().encode(`data: ${'x'.repeat(1_000_000)}`);
    const body = new ReadableStream({ pull: (controller) => controller.enqueue(line) });
    const fetch = async () =>
      new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    expect(await send({ fetch })).toEqual({
      ok: false,
      error: { kind: 'broken_answer', problem: 'too_large' },
    });
  });

  it('refuses an answer of another type', async () => {
    const fetch = async () => new Response('<html>', { headers: { 'content-type': 'text/html' } });
    expect(await send({ fetch })).toMatchObject({ error: { problem: 'wrong_type' } });
  });

  it('reports a server that is not there', async () => {
    const address = { baseUrl: 'http://127.0.0.1:1', apiKey: null };
    expect(await send({ address })).toEqual({ ok: false, error: { kind: 'unreachable' } });
  });

  it.each([
    ['a model that is not served', { model: findVoxtralModel('4B')! }, 'unknown_model'],
    [
      'audio that is too long to decode',
      { samples: new Float32Array(601 * SAMPLE_RATE) },
      'too_large',
    ],
    ['a file that is too large', { samples: new Float32Array(820 * SAMPLE_RATE) }, 'too_large'],
  ] as const)('goes to the next backend with %s', async (_, request, kind) => {
    const result = await send({}, request);
    expect(result).toEqual({ ok: false, error: { kind } });
    expect(!result.ok && moveAfter(result.error)).toBe('next');
  });

  it.each([
    [401, '{}', 'misconfigured'],
    [404, '{"detail":"Not Found"}', 'refused'],
    [413, '', 'too_large'],
    [400, '{"error":{"message":"maximum context length is 32768 tokens"}}', 'too_large'],
    [400, '{"error":{"message":"no"}}', 'refused'],
    [302, '', 'refused'],
    [503, '', 'server_error'],
  ])('understands status %i %s', async (status, body, kind) => {
    const fetch = async () => new Response(body, { status });
    expect(await send({ fetch })).toMatchObject({ ok: false, error: { kind } });
  });
});
