import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { errorToWire } from '#shared/error-to-wire.ts';
import { openAiErrors } from '#shared/middleware/openai-errors.ts';

const OURS = JSON.stringify(errorToWire({ kind: 'empty_file' }, { requestId: 'r1' }).body);

/** An app whose every path answers like this. */
async function answer(path: string, body: string, status: number, type = 'application/json') {
  const app = new Hono();
  app.use(openAiErrors);
  app.all('*', () => new Response(body, { status, headers: { 'Content-Type': type } }));
  const response = await app.request(path);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe('openAiErrors', () => {
  it('adds `error` to an error under /v1/ and keeps the rest', async () => {
    const { status, text, headers } = await answer('/v1/stt/transcribe', OURS, 400);
    const error = expect.objectContaining({ code: 'empty_file', type: 'invalid_request_error' });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ ...JSON.parse(OURS), error });
    expect(headers.get('Content-Type')).toBe('application/json');
  });

  it('does so in the problem form', async () => {
    const type = 'application/problem+json';
    const { text, headers } = await answer('/v1/x', OURS, 400, type);
    expect(JSON.parse(text)).toHaveProperty('error.message');
    expect(headers.get('Content-Type')).toBe(type);
  });

  it.each<[what: string, path: string, body: string, status: number, type?: string]>([
    ['of other paths', '/transcribe', OURS, 400],
    ['that are no errors', '/v1/x', OURS, 200],
    ['that are no JSON', '/v1/x', 'Bad Request', 400, 'text/plain'],
    ['that are broken JSON', '/v1/x', '{"status":', 502],
    ['of another form', '/v1/x', '{"detail":"no"}', 502],
  ])('leaves answers alone %s', async (_what, path, body, status, type) => {
    expect(await answer(path, body, status, type)).toMatchObject({ status, text: body });
  });
});
