/**
 * The web app's server part: it takes what the browser recorded and passes it on with its own key. The handlers are
 * written as `+server.ts` files write them, with the web's Request, FormData and fetch.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { FIXTURES } from '#test/support/transcribe-request.ts';
import { errorRate, wordErrors } from '#test/support/wer.ts';

const KEY = 'sk-web-app';
const SENTENCE = 'The harbor office opens at seven in the morning.';

let origin: RunningOrigin;
let edge: RunningEdge;
beforeAll(async () => {
  const keys = await generateAssertionKeys();
  const settings = { API_KEYS: `${KEY}:web`, REQUIRE_AUTH: 'true' };
  origin = await startOrigin({ ...settings, EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey });
  edge = await startEdge({
    ...settings,
    ORIGINS: `local=${origin.url}`,
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
  });
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
});

/** The app's handler: the browser's request in, ours out. */
type Handler = (request: Request, url: string, key: string) => Promise<Response>;

const writeOwn: Handler = async (request, url, key) => {
  const form = await request.formData();
  const body = new FormData();
  body.append('file', form.get('file') as Blob);
  body.append('language', String(form.get('language') ?? ''));
  return fetch(url, { method: 'POST', headers: { 'X-API-Key': key }, body });
};

const passOn: Handler = async (request, url, key) => {
  const body = await request.formData();
  return fetch(url, { method: 'POST', headers: { 'X-API-Key': key }, body });
};

const passUnread: Handler = async (request, url, key) => {
  const type = request.headers.get('Content-Type') ?? '';
  const headers = { 'X-API-Key': key, 'Content-Type': type };
  const init = { method: 'POST', headers, body: request.body, duplex: 'half' };
  return fetch(url, init as RequestInit);
};

/** What MediaRecorder writes, and the type it says. */
type Recorded = readonly [name: string, type: string];
const WEBM: Recorded = ['recorder.webm', 'audio/webm;codecs=opus'];
const MP4: Recorded = ['recorder.mp4', 'audio/mp4'];

const WAYS: readonly (readonly [name: string, handler: Handler, format: Recorded])[] = [
  ['writes a form of its own', writeOwn, WEBM],
  ['passes the FormData on as it is', passOn, MP4],
  ['passes the body on unread', passUnread, WEBM],
];

/** What `new FormData()` with a `Blob` of MediaRecorder sends: the file name is then "blob". */
function browserRequest(blob: Blob, language: string, fileName?: string): Request {
  const body = new FormData();
  if (fileName === undefined) body.append('file', blob);
  else body.append('file', blob, fileName);
  body.append('language', language);
  return new Request('http://app.test/api/transcribe', { method: 'POST', body });
}

/** A recorder that sends no file name at all, as React Native and old WebViews do. */
function namelessRequest(bytes: Uint8Array, type: string): Request {
  const head = `--x\r\nContent-Disposition: form-data; name="file"\r\nContent-Type: ${type}\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n--x--\r\n')]);
  const headers = { 'Content-Type': 'multipart/form-data; boundary=x' };
  return new Request('http://app.test/api/transcribe', { method: 'POST', headers, body });
}

const read = (name: string) => readFileSync(join(FIXTURES, 'formats', name));
const recorded = (name: string, type: string) => new Blob([new Uint8Array(read(name))], { type });

async function expectSentence(response: Response): Promise<TranscriptionResponse> {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const answer = TranscriptionResponse.parse(JSON.parse(text));
  expect(errorRate([wordErrors(SENTENCE, answer.text, 'en')]), answer.text).toBeLessThan(0.2);
  return answer;
}

describe.each([
  ['origin', () => origin.url],
  ['edge', () => edge.url],
] as const)('a SvelteKit proxy in front of the %s', (_where, base) => {
  const target = () => `${base()}/transcribe`;

  describe.each(WAYS)('that %s', (_how, handler, format) => {
    it('gets the text of what MediaRecorder wrote, whose name is "blob"', async () => {
      const request = browserRequest(recorded(...format), 'en');
      const answer = await expectSentence(await handler(request, target(), KEY));
      expect(answer).toMatchObject({ language: 'en', model: expect.stringMatching(/^whisperx-/) });
      expect(answer.words?.length).toBeGreaterThan(5);
      expect(answer.segments?.length).toBeGreaterThan(0);
      expect(answer).toMatchObject({ speakers: null, latency_ms: expect.any(Number) });
    });

    it('gets 401 with the wrong key, as FastAPI words it', async () => {
      const request = browserRequest(recorded(...WEBM), 'en');
      const response = await handler(request, target(), 'sk-wrong-key');
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).toBe('ApiKey');
      expect(await response.json()).toMatchObject({ detail: expect.any(String) });
    });

    it('gets 422 with the array of FastAPI for a language that does not exist', async () => {
      const request = browserRequest(recorded(...WEBM), 'Klingon');
      const response = await handler(request, target(), KEY);
      expect(response.status).toBe(422);
      const [fault] = ((await response.json()) as { detail: unknown[] }).detail;
      expect(fault).toMatchObject({ loc: ['body', 'language'], msg: expect.any(String) });
    });
  });

  it('may leave the language empty and is told which it was', async () => {
    const request = browserRequest(recorded(...WEBM), '', 'recording.webm');
    const answer = await expectSentence(await passOn(request, target(), KEY));
    expect(answer.language).toBe('en');
  });

  it.each([WEBM, MP4])('may send %s without any file name', async (name, type) => {
    const request = namelessRequest(read(name), type);
    await expectSentence(await passUnread(request, target(), KEY));
  });

  it('may say "audio/mp4" of a webm, and "blob" of a wav', async () => {
    const wrong = browserRequest(recorded('recorder.webm', 'audio/mp4'), 'en', 'a.mp4');
    await expectSentence(await passOn(wrong, target(), KEY));
    const untyped = browserRequest(recorded('clip.wav', ''), 'en');
    await expectSentence(await passOn(untyped, target(), KEY));
  });
});
