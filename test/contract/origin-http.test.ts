import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HealthResponse, ModelsResponse } from '#shared/contracts/service.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';

let origin: TestOrigin;

beforeEach(async () => {
  origin = await startTestOrigin({
    CORS_ORIGINS: 'https://app.example',
    INTERNAL_API_KEY: 'internal-key',
    REQUIRE_AUTH: 'false',
  });
});

afterEach(async () => {
  await origin.stop();
});

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${origin.url}${path}`, init);
}

function post(body: FormData, init: RequestInit = {}): Promise<Response> {
  return get('/transcribe', { method: 'POST', body, ...init });
}

describe('POST /transcribe', () => {
  it('answers 200 in the words of the contract', async () => {
    const response = await post(form(['language', 'de-DE'], ['file', RECORDING], ['align', 'No']));
    expect(response.status).toBe(200);
    const body = TranscriptionResponse.parse(await response.json());
    expect(body).toMatchObject({ text: 'Hello there.', model: 'whisperx-base' });
    expect(body.request_id).toBe(response.headers.get('x-request-id'));
    expect(origin.transcriber.jobs[0]?.request).toMatchObject({
      fileName: 'hello.wav',
      options: { language: 'de', align: false, diarize: false, task: 'transcribe' },
    });
    expect(origin.transcriber.seenBytes).toEqual([1000]);
  });

  it('answers under its alias too', async () => {
    const response = await get('/transcribe/whisperx', {
      method: 'POST',
      body: form(['file', RECORDING]),
    });
    expect(response.status).toBe(200);
  });

  it('removes the spooled upload, after success and after failure', async () => {
    await post(form(['file', RECORDING]));
    await post(form(['file', RECORDING], ['beam_size', '99']));
    expect(await origin.listSpool()).toEqual([]);
  });

  it('hands the wish for speakers on', async () => {
    const response = await post(
      form(['file', RECORDING], ['diarize', 'true'], ['num_speakers', '2']),
    );
    const body = TranscriptionResponse.parse(await response.json());
    expect(body.warnings).toEqual([]);
    expect(origin.transcriber.jobs[0]?.request.options).toMatchObject({
      diarize: true,
      numSpeakers: 2,
    });
  });

  it('rejects wrong field values with 422 and the array of FastAPI', async () => {
    const response = await post(form(['file', RECORDING], ['align', 'maybe'], ['language', 'xx']));
    expect(response.status).toBe(422);
    const { detail } = (await response.json()) as { detail: { loc: string[] }[] };
    expect(detail.map(({ loc }) => loc)).toEqual([
      ['body', 'language'],
      ['body', 'align'],
    ]);
    expect(origin.transcriber.jobs).toEqual([]);
  });

  it('rejects an unknown model with 404 and lists the known ones', async () => {
    const response = await post(form(['file', RECORDING], ['model', 'enormous']));
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: 'unknown_model',
      models: ['base', 'tiny'],
    });
  });

  it('answers a failure inside with 500 and keeps what happened in the log', async () => {
    origin.transcriber.holds = true;
    const answer = post(form(['file', RECORDING]));
    (await origin.transcriber.job(1)).fail(new Error('cannot open /secret/path'));
    const response = await answer;
    expect(response.status).toBe(500);
    const body = await response.text();
    expect(body).not.toMatch(/secret|at .*\.ts/);
    const { request_id } = JSON.parse(body);
    const entry = origin.log.find((line) => line['msg'] === 'unexpected failure');
    expect(entry).toMatchObject({ request_id, err: { message: 'cannot open /secret/path' } });
  });
});

describe('GET /health and GET /models', () => {
  it('keep every member of the service they replace', async () => {
    const health = HealthResponse.parse(await (await get('/health')).json());
    expect(health).toMatchObject({ status: 'healthy', whisper_loaded: true, auth_required: false });
    const models = ModelsResponse.parse(await (await get('/models')).json());
    expect(models).toMatchObject({ whisper: ['base', 'tiny'], default_whisper: 'base' });
  });
});

describe('GET /metrics', () => {
  it('has the names of the dashboard after a request', async () => {
    await post(form(['file', RECORDING]));
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    expect(text).toContain(
      'mana_stt_requests_total{status="success",model="base",language="en"} 1',
    );
    expect(text).toContain('mana_stt_characters_transcribed_total 12');
    expect(text).toContain('mana_stt_active_requests 0');
    expect(text).toContain('mana_stt_transcription_duration_seconds_count{model="base"} 1');
    expect(text).toContain('mana_stt_file_size_mb_count 1');
    expect(text).toContain('# TYPE mana_stt_model_loaded gauge');
    expect(text).toContain('# TYPE mana_stt_model_load_duration_seconds histogram');
  });

  it('never makes a label of what a caller wrote', async () => {
    await post(form(['file', RECORDING], ['model', 'enormous']));
    const text = await (await get('/metrics')).text();
    expect(text).not.toContain('enormous');
    expect(text).toContain('mana_stt_requests_total{status="error",model="unknown"');
    expect(text).toContain('mana_stt_errors_total{code="unknown_model"} 1');
  });

  it('wants the key from whoever comes through a proxy', async () => {
    const forwarded = { 'X-Forwarded-For': '203.0.113.9' };
    const refused = await get('/metrics', { headers: forwarded });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('ApiKey');
    const keys = [{ 'X-API-Key': 'internal-key' }, { Authorization: 'Bearer internal-key' }];
    for (const key of keys) {
      expect((await get('/metrics', { headers: { ...forwarded, ...key } })).status).toBe(200);
    }
    expect((await get('/metrics', { headers: { 'X-API-Key': 'wrong' } })).status).toBe(401);
  });
});

describe('every answer', () => {
  it('carries the request id that was sent, if it is a sane one', async () => {
    const sane = await get('/health', { headers: { 'X-Request-Id': 'abc-123' } });
    expect(sane.headers.get('x-request-id')).toBe('abc-123');
    const odd = await get('/health', { headers: { 'X-Request-Id': '<script>' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is not stored, not sniffed and not framed', async () => {
    for (const path of ['/health', '/nowhere']) {
      const { headers } = await get(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    }
  });

  it('is 404 with the one error body for an unknown route', async () => {
    const response = await get('/nowhere', { headers: { Accept: 'application/problem+json' } });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      type: 'urn:mana-stt:error:unknown-route',
      title: 'Not Found',
      status: 404,
      detail: expect.stringContaining('/nowhere'),
      request_id: response.headers.get('x-request-id'),
    });
  });

  it('is 405 with Allow for the wrong method', async () => {
    const response = await get('/transcribe');
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
  });

  it('has no body for HEAD', async () => {
    const response = await get('/health', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it('lets listed web origins in, and others not', async () => {
    const ask = (from: string) =>
      get('/transcribe', {
        method: 'OPTIONS',
        headers: { Origin: from, 'Access-Control-Request-Method': 'POST' },
      });
    const allowed = await ask('https://app.example');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    const other = await ask('https://evil.example');
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('leaves one line in the log, with the route and without what was said', async () => {
    await post(form(['file', RECORDING], ['prompt', 'a private matter']), {
      headers: { 'X-API-Key': 'private-key' },
    });
    const lines = origin.log.filter((line) => line['msg'] === 'request');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      method: 'POST',
      route: '/transcribe',
      status: 200,
      model: 'base',
      language: 'en',
      sizeBytes: 1000,
    });
    expect(JSON.stringify(origin.log)).not.toMatch(/private|Hello/);
  });

  it('survives an impossible Host header', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const headers = { Host: 'a b' };
    request({ port: origin.port, host: '127.0.0.1', path: '/health', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
    expect(await promise).toBe(400);
  });
});
