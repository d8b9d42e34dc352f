import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { HEALTH, MODELS, playEdge, recordingForm } from '#test/worker/support/edge.ts';

const json = (body: unknown, status = 200, headers = {}) =>
  Response.json(body, { status, headers });

const transcribe = (init: RequestInit = {}) => ({ method: 'POST', body: recordingForm(), ...init });

describe('the Worker', () => {
  it('answers with its own bindings, and lists its routes', async () => {
    const response = await exports.default.fetch('https://edge.test/');
    expect(response.status).toBe(200);
    const { routes } = await response.json<{ routes: string[] }>();
    expect(routes).toContain('POST /transcribe');
  });
});

describe('every answer', () => {
  const { app } = playEdge({ one: () => json(HEALTH) });

  it('carries the request id that was sent', async () => {
    const response = await app.request('/', { headers: { 'X-Request-Id': 'abc-1' } });
    expect(response.headers.get('X-Request-Id')).toBe('abc-1');
  });

  it.each(['x'.repeat(101), 'a b', 'a;b', '<b>'])(
    'gets a new request id in place of %j',
    async (id) => {
      const response = await app.request('/', { headers: { 'X-Request-Id': id } });
      expect(response.headers.get('X-Request-Id')).toMatch(/^[\da-f-]{36}$/);
    },
  );

  it('is not stored, not framed, not sniffed, and only over TLS', async () => {
    const { headers } = await app.request('/health');
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'x-frame-options': 'SAMEORIGIN',
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=31536000',
    });
  });

  it('answers an unknown path with 404 and a known one with 405', async () => {
    const unknown = await app.request('/transcripe', { method: 'POST' });
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: 'unknown_route' }]);
    const wrong = await app.request('/transcribe');
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('Allow')).toContain('POST');
  });

  it('has the problem form when that is asked for', async () => {
    const response = await app.request('/x', { headers: { Accept: 'application/problem+json' } });
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  });

  it('is readable for the pages of CORS_ORIGINS only', async () => {
    const { app: open } = playEdge(
      { one: () => json(HEALTH) },
      { corsOrigins: ['https://mana.how'] },
    );
    const allowed = async (origin: string) => {
      const { headers } = await open.request('/', { headers: { Origin: origin } });
      return headers.get('Access-Control-Allow-Origin');
    };
    expect(await allowed('https://mana.how')).toBe('https://mana.how');
    expect(await allowed('https://evil.example')).toBeNull();
  });

  it('is 429 with Retry-After for an address that asks far too often', async () => {
    const keys: string[] = [];
    const limit = async ({ key }: { key: string }) => {
      keys.push(key);
      return { success: false };
    };
    const { app: shut, seen } = playEdge({ one: () => json(MODELS) }, { ipShield: { limit } });
    const headers = { 'CF-Connecting-IP': '2001:db8:1:2:3::9' };
    const response = await shut.request('/models', { headers });
    expect(response.status).toBe(429);
    expect(response.headers.get('Retry-After')).toBe('60');
    expect(keys).toEqual(['2001:db8:1:2']);
    expect(seen).toEqual([]);
  });
});

describe('GET /health', () => {
  it('adds up the origins, hides addresses, and tells ages', async () => {
    const { app, clock } = playEdge({
      one: () => json(HEALTH),
      two: () => new Response('<html>Tunnel error 1033</html>', { status: 530 }),
    });
    await app.request('/health');
    clock.nowMs += 7000;
    const body = await (await app.request('/health')).json();
    expect(body).toMatchObject({
      status: 'healthy',
      edge: 'healthy',
      vllm_url: null,
      active_requests: 2,
      origins: [
        { name: 'one', status: 'healthy', age_seconds: 7, queue_waiting: 1 },
        { name: 'two', status: 'unreachable', age_seconds: 7, queue_waiting: null },
      ],
    });
    expect(JSON.stringify(body)).not.toContain('origin.test');
  });

  it('asks an origin again only when its answer is 10 s old', async () => {
    const { app, seen, clock } = playEdge({ one: () => json(HEALTH) });
    for (const step of [0, 9999, 1]) {
      clock.nowMs += step;
      await app.request('/health');
    }
    expect(seen).toHaveLength(2);
  });

  it.each([
    ['another shape', () => json({ status: 'fine' })],
    ['an endless body', () => new Response(endless())],
    ['a fault', () => json({ code: 'internal' }, 500)],
    ['a broken line', () => Promise.reject(new TypeError('network connection lost'))],
  ])('is degraded when the only origin answers with %s', async (_name, play) => {
    const { app } = playEdge({ one: play });
    const response = await app.request('/health');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'degraded', engine_state: 'failed' });
  });
});

describe('GET /models', () => {
  it('gives the models of all origins that answer', async () => {
    const two = { ...MODELS, whisper: ['base', 'large-v3'], aligners: { de: 'other', fr: 'f' } };
    const { app } = playEdge({
      one: () => json(MODELS),
      two: () => json(two),
      three: () => Promise.reject(new Error('down')),
    });
    expect(await (await app.request('/models')).json()).toMatchObject({
      whisper: ['base', 'large-v3'],
      aligners: { de: 'german', fr: 'f' },
    });
  });

  it('passes a refusal on when no origin gives any', async () => {
    const busy = () => json({ code: 'shutting_down', detail: 'no' }, 503, { 'Retry-After': '3' });
    const { app } = playEdge({ one: () => Promise.reject(new Error('down')), two: busy });
    const response = await app.request('/models');
    expect(response.status).toBe(503);
    expect(response.headers.get('Retry-After')).toBe('3');
  });

  it('is 502 when the origin does not know the edge: the caller is not to blame', async () => {
    const refuse = () => json({ code: 'unauthenticated', detail: 'no' }, 401);
    const { app } = playEdge({ one: refuse });
    expect((await app.request('/models')).status).toBe(502);
  });
});

describe('POST /transcribe', () => {
  it('passes form and request id on, not the key, and the answer back', async () => {
    const headers = { 'X-Warnings': '1', Server: 'secret/1.0', 'Set-Cookie': 'a=b' };
    const { app, seen } = playEdge({ one: () => json({ text: 'hi' }, 200, headers) });
    const response = await app.request(
      '/transcribe',
      transcribe({
        headers: {
          'X-API-Key': 'k',
          Cookie: 'a=b',
          Authorization: 'Bearer k',
          'X-Mana-Assertion': 'forged',
          'X-Request-Id': 'r1',
          'CF-Access-Client-Id': 'x',
        },
      }),
    );
    expect(await response.json()).toEqual({ text: 'hi' });
    expect(response.headers.get('X-Warnings')).toBe('1');
    expect(response.headers.get('X-Request-Id')).toBe('r1');
    expect(response.headers.get('Server')).toBeNull();
    expect(response.headers.get('Set-Cookie')).toBeNull();
    const [request] = seen;
    expect(request).toMatchObject({ url: 'https://one.origin.test/jobs', method: 'POST' });
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      'x-request-id': 'r1',
      'cf-access-client-id': 'access-id',
      'cf-access-client-secret': 'access-secret',
    });
    const kept = ['Cookie', 'X-API-Key', 'Authorization', 'X-Mana-Assertion'];
    expect(kept.map((name) => request?.headers.get(name))).toEqual(kept.map(() => null));
    const type = request?.headers.get('Content-Type') ?? '';
    const sent = new Response(request?.body, { headers: { 'Content-Type': type } });
    expect([...(await sent.formData()).keys()]).toEqual(['file', 'language']);
  });

  it('passes a fault of the origin on as it is', async () => {
    const fault = { code: 'queue_full', detail: 'All places are taken.' };
    const { app } = playEdge({ one: () => json(fault, 429, { 'Retry-After': '12' }) });
    const response = await app.request('/transcribe/whisperx', transcribe());
    expect([response.status, await response.json()]).toEqual([429, fault]);
    expect(response.headers.get('Retry-After')).toBe('12');
  });

  it.each([
    ['a page of the tunnel', () => new Response('<html>1033</html>', { status: 530 })],
    ['a proxy that gave up', () => new Response('timeout', { status: 524 })],
    ['a login page', () => Response.redirect('https://login.example/', 302)],
  ])('is 502 without its body for %s', async (_name, play) => {
    const { app, log } = playEdge({ one: play });
    const response = await app.request('/transcribe', transcribe());
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      code: 'backend_unavailable',
      detail: 'The machine "one" gave an answer that makes no sense. Try again later.',
    });
    expect(log).toContainEqual(expect.objectContaining({ msg: 'cause' }));
  });

  it('is 502 when the origin cannot be reached', async () => {
    const { app } = playEdge({ one: () => Promise.reject(new Error('connect to 10.0.0.3')) });
    const response = await app.request('/transcribe', transcribe());
    expect(response.status).toBe(502);
    expect(await response.text()).not.toContain('10.0.0.3');
  });

  it('is 413 for a Content-Length over the limit, and the origin sees nothing', async () => {
    const { app, seen } = playEdge({ one: () => json({}) }, { maxFileBytes: 1000 });
    const headers = { 'Content-Length': String(2 * 1024 * 1024), ...MULTIPART };
    const response = await app.request('/transcribe', { method: 'POST', body: 'x', headers });
    expect(response.status).toBe(413);
    expect(seen).toEqual([]);
  });

  it('is 413 while reading a body of unknown length', async () => {
    const { app } = playEdge({ one: () => json({}) }, { maxFileBytes: 1000 });
    const init = { method: 'POST', body: endless(), headers: MULTIPART };
    const response = await app.request('/transcribe', init);
    expect([response.status, await response.json()]).toMatchObject([
      413,
      { code: 'upload_too_large' },
    ]);
  });
});

const MULTIPART = { 'Content-Type': 'multipart/form-data; boundary=x' };

/** Chunks without an end. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
}
