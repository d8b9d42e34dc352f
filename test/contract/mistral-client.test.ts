/** Our client talks to the stand-in that Mistral's own SDK has approved. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import { toTranscriptionResponse } from '#shared/contracts/transcription.ts';
import { findMistralModel } from '#shared/mistral/capabilities.ts';
import { type MistralOptions, transcribeWithMistral } from '#shared/mistral/client.ts';
import type { FilePart } from '#shared/mistral/multipart-body.ts';
import { type RequestWishes, toMistralRequest } from '#shared/mistral/request.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { type MistralStandIn, startMistralStandIn } from '#test/support/mistral-stand-in.ts';

let server: MistralStandIn;

beforeEach(async () => {
  server = await startMistralStandIn();
});
afterEach(() => server.close());

const PLAIN: TranscribeOptions = { align: false, diarize: false, task: 'transcribe' };

interface Case extends Partial<TranscribeOptions> {
  readonly file?: FilePart;
  readonly wishes?: Partial<RequestWishes>;
  readonly client?: Partial<MistralOptions>;
}

async function transcribe({ file, wishes, client, ...options }: Case = {}) {
  const model = findMistralModel(options.model ?? 'voxtral-mini-2602')!;
  const request = toMistralRequest({ ...PLAIN, ...options }, model, {
    stream: false,
    needsSegmentTimes: false,
    ...wishes,
  });
  if (!request.ok) throw new Error(request.error.kind);
  return transcribeWithMistral(
    { request: request.value, model, file: file ?? smallFile() },
    {
      apiKey: server.apiKey,
      baseUrl: server.baseUrl,
      fetch,
      now: () => 0,
      timeoutMs: 60_000,
      ...client,
    },
  );
}

function smallFile(): FilePart {
  return { stream: new Blob([new Uint8Array(2000)]).stream(), name: 'a.wav', type: 'audio/wav' };
}

/** Bytes that are made when somebody wants them, and counted. */
function countingFile(totalBytes: number) {
  const counted = { producedBytes: 0, isCancelled: false, sha256: createHash('sha256') };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = Math.min(65_536, totalBytes - counted.producedBytes);
        if (size === 0) return controller.close();
        const chunk = new Uint8Array(size).fill(counted.producedBytes / 65_536);
        counted.producedBytes += size;
        counted.sha256.update(chunk);
        controller.enqueue(chunk);
      },
      cancel() {
        counted.isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { counted, file: { stream, name: 'long.flac', type: 'audio/flac' } };
}

describe('transcribeWithMistral', () => {
  it('gives words, and sentences made of them', async () => {
    const result = await transcribe({ align: true });
    expect(result).toMatchObject({
      ok: true,
      value: {
        text: 'Guten Morgen. Wie geht es dir?',
        language: 'de',
        model: 'voxtral-mini-2602',
        durationSeconds: 4,
        hasWordTimes: true,
        segments: [
          { text: 'Guten Morgen.', startSeconds: 0.25, endSeconds: 1, words: [{}, {}] },
          { text: 'Wie geht es dir?', startSeconds: 1.5, endSeconds: 3 },
        ],
      },
    });
  });

  it('gives speakers, numbered by first appearance', async () => {
    const result = await transcribe({ diarize: true });
    expect(result.ok && result.value.diarization).toEqual({
      speakers: [
        { label: 'SPEAKER_00', speechSeconds: 0.75 },
        { label: 'SPEAKER_01', speechSeconds: 1.5 },
      ],
      turns: [
        { speaker: 'SPEAKER_00', startSeconds: 0.25, endSeconds: 1 },
        { speaker: 'SPEAKER_01', startSeconds: 1.5, endSeconds: 3 },
      ],
    });
  });

  it('never sends a language with times, so that the text is never empty', async () => {
    const result = await transcribe({ align: true, language: 'de' });
    expect(result.ok && result.value.text).not.toBe('');
    expect(result.ok && result.value.warnings.join()).toContain('no language together with times');
  });

  it('sends a language where nobody wants times', async () => {
    const result = await transcribe({ language: 'de' });
    expect(server.requests[0]!.fields).toContainEqual(['language', 'de']);
    expect(result.ok && result.value.languages).toEqual([{ language: 'de', probability: 1 }]);
  });

  it('gives the same transcript from events as from JSON, and tells of them as they come', async () => {
    const seen: string[] = [];
    const onProgress = ({ type }: { type: string }) => seen.push(type);
    const streamed = await transcribe({
      diarize: true,
      wishes: { stream: true },
      client: { onProgress },
    });
    expect(streamed).toEqual(await transcribe({ diarize: true }));
    expect(seen).toEqual([
      'transcription.language',
      'transcription.text.delta',
      'transcription.text.delta',
      'transcription.segment',
      'transcription.segment',
    ]);
  });

  it('makes an answer of the wire without coverage, which nobody knows', async () => {
    const result = await transcribe({ align: true });
    if (!result.ok) throw new Error(result.error.kind);
    const answer = toTranscriptionResponse(result.value, { requestId: 'r', latencyMs: 1 });
    expect(answer.model).toBe('voxtral-mini-2602');
    expect(answer.coverage).toBeUndefined();
    expect(answer.words).toHaveLength(6);
  });

  it('sends a file name with line ends and quotes as one name', async () => {
    const file = { ...smallFile(), name: 'a"\r\nX: y.wav', type: 'audio/wav\r\nX: y' };
    expect((await transcribe({ file })).ok).toBe(true);
    expect(server.requests[0]!.file).toMatchObject({
      name: 'a%22%0D%0AX: y.wav',
      type: 'application/octet-stream',
    });
  });

  it('sends a Content-Length when the size is known, and none when it is not', async () => {
    await transcribe({ file: { ...smallFile(), sizeBytes: 2000 } });
    await transcribe();
    expect(Number(server.requests[0]!.headers['content-length'])).toBeGreaterThan(2000);
    expect(server.requests[1]!.headers['transfer-encoding']).toBe('chunked');
  });

  it('passes 100 MB through without holding them', async () => {
    const { counted, file } = countingFile(100 * 1024 * 1024);
    let mostInFlight = 0;
    const through = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const inFlight = counted.producedBytes - server.receivedBytes();
        mostInFlight = Math.max(mostInFlight, inFlight);
        controller.enqueue(chunk);
      },
    });
    const stream = file.stream.pipeThrough(through);
    expect((await transcribe({ file: { ...file, stream } })).ok).toBe(true);
    expect(server.requests[0]!.file).toMatchObject({
      sizeBytes: 100 * 1024 * 1024,
      sha256: counted.sha256.digest('hex'),
    });
    // What fills the buffers of both ends of a local connection.
    expect(mostInFlight).toBeLessThan(16 * 1024 * 1024);
  });

  it('stops the upload when the answer comes before its end', async () => {
    const { counted, file } = countingFile(1e12);
    server.misbehaviours.push({ kind: 'status', status: 401, isEarly: true });
    const result = await transcribe({ file });
    expect(result).toEqual({ ok: false, error: { kind: 'misconfigured', status: 401 } });
    expect(counted.isCancelled).toBe(true);
  });

  it.each([
    [401, { kind: 'misconfigured', status: 401 }],
    [403, { kind: 'misconfigured', status: 403 }],
    [413, { kind: 'too_large' }],
    [429, { kind: 'rate_limited', retryAfterSeconds: 17 }],
    [500, { kind: 'upstream_error', status: 500, retryAfterSeconds: 17 }],
    [503, { kind: 'upstream_error', status: 503, retryAfterSeconds: 17 }],
    [400, { kind: 'refused', status: 400 }],
  ])('maps status %d and keeps nothing of the body or the key', async (status, failure) => {
    const headers = { 'Retry-After': '17' };
    server.misbehaviours.push({ kind: 'status', status, headers });
    const result = await transcribe();
    expect(result).toEqual({ ok: false, error: failure });
    expect(JSON.stringify(result)).not.toMatch(/secret|mistral-test-key/);
  });

  it('does not follow a redirect with key and recording', async () => {
    const headers = { Location: `${server.baseUrl}/elsewhere` };
    server.misbehaviours.push({ kind: 'status', status: 307, headers });
    expect(await transcribe()).toMatchObject({ error: { kind: 'upstream_error', status: 307 } });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['not_json', { type: 'application/json', body: '{"text": "half' }],
    ['wrong_shape', { type: 'application/json', body: '{"text": 5}' }],
    ['wrong_type', { type: 'text/html', body: '<h1>Sorry</h1>' }],
    ['error_event', { type: 'text/event-stream', body: 'data: {"error": {"message": "x"}}\n\n' }],
    ['cut_off', { type: 'text/event-stream', body: 'data: [DONE]\n\n' }],
    ['not_json', { type: 'text/event-stream', body: 'data: hello\n\n' }],
  ])('says %s of an answer that is none', async (problem, it) => {
    server.misbehaviours.push({ kind: 'body', ...it });
    expect(await transcribe()).toEqual({ ok: false, error: { kind: 'broken_answer', problem } });
  });

  it('takes a stream without its last event for cut off, not for an answer', async () => {
    server.misbehaviours.push({ kind: 'cut' });
    const result = await transcribe({ wishes: { stream: true } });
    expect(result).toMatchObject({ error: { kind: 'broken_answer', problem: 'cut_off' } });
  });

  it('says unreachable when the connection ends without an answer', async () => {
    server.misbehaviours.push({ kind: 'drop' });
    expect(await transcribe()).toEqual({ ok: false, error: { kind: 'unreachable' } });
  });

  it('gives up at its time limit', async () => {
    const clock = new ManualClock();
    server.misbehaviours.push({ kind: 'hang' });
    const begun = server.begun();
    const client = { now: clock.now, after: clock.after, timeoutMs: 5000 };
    const result = transcribe({ client });
    await begun;
    clock.advance(5000);
    expect(await result).toEqual({ ok: false, error: { kind: 'timeout', limitMs: 5000 } });
  });

  it('stops when the caller leaves, and lets go of the file', async () => {
    const caller = new AbortController();
    const { counted, file } = countingFile(1e12);
    const begun = server.begun();
    const result = transcribe({ file, client: { signal: caller.signal } });
    await begun;
    caller.abort();
    expect(await result).toEqual({ ok: false, error: { kind: 'aborted' } });
    expect(counted.isCancelled).toBe(true);
  });

  it('tells a recording that breaks off from a network that does', async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error('the client went away'));
      },
    });
    const file = { stream, name: 'a.wav', type: 'audio/wav' };
    expect(await transcribe({ file })).toEqual({ ok: false, error: { kind: 'upload_failed' } });
  });

  it('does not send a recording of another size than was said', async () => {
    const result = await transcribe({ file: { ...smallFile(), sizeBytes: 1999 } });
    expect(result).toEqual({ ok: false, error: { kind: 'upload_failed' } });
  });
});
