/** The whole chain with real parts: a client → the Worker in workerd → the origin → the engine. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { EdgeHealthResponse } from '#shared/contracts/edge-service.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, post, recording, transcribe } from '#test/support/transcribe-request.ts';

let origin: RunningOrigin;
let edge: RunningEdge;

beforeAll(async () => {
  const keys = await generateAssertionKeys();
  origin = await startOrigin({ MAX_UPLOAD_MB: '2', EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey });
  const startedMs = performance.now();
  edge = await startEdge({
    ORIGINS: `local=${origin.url}`,
    MAX_UPLOAD_MB: '1',
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
  });
  console.info(`wrangler dev was ready after ${Math.round(performance.now() - startedMs)} ms`);
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
});

describe('the edge in front of an origin', () => {
  it('writes down en_harbor.flac with at most 0.1 errors a word', async () => {
    const answer = await transcribe(edge, 'en_harbor.flac');
    expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
  });

  it('takes a body without a Content-Length, with fields behind the file', async () => {
    const form = new FormData();
    form.append('file', await recording('en_harbor.flac'));
    form.append('align', 'false');
    const encoded = new Response(form);
    const type = encoded.headers.get('Content-Type') ?? '';
    const init = { method: 'POST', body: encoded.body, headers: { 'Content-Type': type } };
    const response = await fetch(`${edge.url}/transcribe`, {
      ...init,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ words: null, language: 'en' });
  });

  it("carries the client's request id into the log of the origin and back", async () => {
    const headers = { 'X-Request-Id': 'e2e-edge-1' };
    const body = new FormData();
    body.append('language', 'de');
    const response = await fetch(`${edge.url}/transcribe`, { method: 'POST', headers, body });
    expect(response.headers.get('X-Request-Id')).toBe('e2e-edge-1');
    expect(await response.json()).toMatchObject({ code: 'no_file', request_id: 'e2e-edge-1' });
    await origin.logLine((line) => line['request_id'] === 'e2e-edge-1');
  });

  it('tells how the origin is', async () => {
    const health = await (await fetch(`${edge.url}/health`)).json();
    const { origins } = EdgeHealthResponse.parse(health);
    expect(origins).toMatchObject([{ name: 'local', status: 'healthy' }]);
    expect(JSON.stringify(health)).not.toContain('127.0.0.1');
    const models = await (await fetch(`${edge.url}/models`)).json();
    expect(models).toMatchObject({ default_whisper: 'base' });
  });

  it('refuses what is too large with 413, with and without a Content-Length', async () => {
    const file = new File([new Uint8Array(2_200_000)], 'zeros.wav');
    expect((await post(edge, file)).status).toBe(413);
    const chunked = await sendChunks(`${edge.url}/transcribe`, 40, 65_536);
    expect(chunked).toBe(413);
  });
});

/** A body in chunks that has no end of its own; resolves with the answer's status. */
function sendChunks(url: string, count: number, bytes: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'multipart/form-data; boundary=x' };
    const sent = request(url, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    for (let index = 0; index < count; index += 1) sent.write(new Uint8Array(bytes));
    sent.end();
  });
}
