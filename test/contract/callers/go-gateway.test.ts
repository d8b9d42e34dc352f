/**
 * The Go gateway: forwards `/v1/stt/*` with httputil.ReverseProxy, which streams bodies in chunks, adds headers of its own
 * and either strips the prefix or leaves it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { HealthResponse, IndexResponse, ModelsResponse } from '#shared/contracts/service.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import {
  GO_STYLES,
  type MultipartStyle,
  PYTHON_STYLES,
} from '#test/support/callers/multipart-styles.ts';
import { exchange, type RawAnswer } from '#test/support/http-exchange.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';

const KEY = 'sk-gateway';
const [GO] = GO_STYLES as [MultipartStyle, ...MultipartStyle[]];
const RECORDING = Buffer.from('\x1aE\xdf\xa3\r\n--\r\n\0webm', 'latin1');

let origin: TestOrigin;
let edge: RunningEdge;
beforeAll(async () => {
  const keys = await generateAssertionKeys();
  const settings = { API_KEYS: `${KEY}:gateway`, INTERNAL_API_KEY: 'sk-internal-gateway' };
  const limits = { REQUIRE_AUTH: 'true', RATE_LIMIT_REQUESTS: '1000' };
  const edgeKey = { EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey };
  origin = await startTestOrigin({ ...settings, ...limits, ...edgeKey });
  edge = await startEdge({
    ...settings,
    ...limits,
    ORIGINS: `local=${origin.url}`,
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
  });
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
});

/** As net/http's Transport and ReverseProxy write it. */
interface Forwarded {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: readonly string[];
  readonly style?: MultipartStyle;
}

function message({ method, path, headers = [KEY_HEADER], style }: Forwarded): Buffer {
  const type = style && [`Content-Type: ${style.contentType}`, 'Transfer-Encoding: chunked'];
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: gateway.example',
    'User-Agent: Go-http-client/1.1',
    ...(type ?? []),
    'X-Forwarded-For: 203.0.113.9, 10.0.0.7',
    'X-Forwarded-Host: api.example',
    'X-Forwarded-Proto: https',
    'Accept-Encoding: gzip',
    ...headers,
    '',
    '',
  ];
  const body = style?.encode(RECORDING);
  const chunks = body ? [body.subarray(0, 50), body.subarray(50)].map(chunk) : [];
  const end = body ? Buffer.from('0\r\n\r\n') : Buffer.alloc(0);
  return Buffer.concat([Buffer.from(lines.join('\r\n')), ...chunks, end]);
}

function chunk(bytes: Uint8Array): Buffer {
  const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
  return Buffer.concat([size, bytes, Buffer.from('\r\n')]);
}

const KEY_HEADER = `X-Api-Key: ${KEY}`;

/** What differs between two answers to the same request. */
function comparable({ status, body }: RawAnswer): unknown {
  const { error, request_id, latency_ms, timings_ms, origins, detail, ...rest } = JSON.parse(body);
  return { status, ...rest };
}

describe.each([
  ['origin', () => origin.port],
  ['edge', () => Number(new URL(edge.url).port)],
] as const)('a Go gateway in front of the %s', (_where, port) => {
  const send = async (request: Forwarded): Promise<RawAnswer> => {
    const [answer] = await exchange(port(), [message(request)]);
    if (answer === undefined) throw new Error('closed without an answer');
    return answer;
  };

  it.each([
    '/transcribe',
    '/transcribe/whisperx',
    '/v1/stt/transcribe',
    '/v1/stt/transcribe/whisperx',
  ])('is answered in chunks without a length at %s', async (path) => {
    const answer = await send({ method: 'POST', path, style: GO });
    expect(answer.status, answer.body).toBe(200);
    TranscriptionResponse.parse(JSON.parse(answer.body));
    // Nothing but what it asked for.
    expect([undefined, 'gzip']).toContain(answer.headers.get('content-encoding'));
    expect(answer.headers.get('x-ratelimit-limit')).toBe('1000');
  });

  it.each([...GO_STYLES, ...PYTHON_STYLES])('may pass on a form of $name', async (style) => {
    const answer = await send({ method: 'POST', path: '/v1/stt/transcribe', style });
    expect(answer.status, answer.body).toBe(200);
    const { fileName, options } = origin.transcriber.jobs.at(-1)!.request;
    expect({ fileName, language: options.language }).toEqual({
      fileName: style.fileName,
      language: 'de',
    });
    expect(origin.transcriber.seenBytes.at(-1)).toBe(RECORDING.length);
  });

  it('reads models and health under the prefix', async () => {
    const models = await send({ method: 'GET', path: '/v1/stt/models' });
    expect(ModelsResponse.parse(JSON.parse(models.body)).default_whisper).toBe('base');
    const health = await send({ method: 'GET', path: '/v1/stt/health', headers: [] });
    expect(HealthResponse.parse(JSON.parse(health.body)).status).toBe('healthy');
  });

  it.each<Omit<Forwarded, 'path'> & { rest: string }>([
    { method: 'GET', rest: '/models' },
    { method: 'GET', rest: '/health' },
    { method: 'GET', rest: '/transcribe' },
    { method: 'GET', rest: '/models', headers: [] },
    { method: 'POST', rest: '/transcribe', style: GO },
    { method: 'POST', rest: '/transcribe/whisperx', style: GO, headers: [] },
    { method: 'POST', rest: '/transcribe/auto', style: GO },
    { method: 'POST', rest: '/transcribe/voxtral', style: GO },
  ])('gets the same at $method $rest with the prefix and without', async ({ rest, ...request }) => {
    const plain = await send({ ...request, path: rest });
    const prefixed = await send({ ...request, path: `/v1/stt${rest}` });
    expect(comparable(prefixed)).toEqual(comparable(plain));
  });

  it('counts a request under the prefix once', async () => {
    const remaining = async (path: string) =>
      Number((await send({ method: 'GET', path })).headers.get('x-ratelimit-remaining'));
    const before = await remaining('/models');
    expect(await remaining('/v1/stt/models')).toBe(before - 1);
  });

  it("finds OpenAI's error and FastAPI's detail in one body under /v1/", async () => {
    const refused = await send({ method: 'GET', path: '/v1/stt/models', headers: [] });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('ApiKey');
    expect(JSON.parse(refused.body)).toMatchObject({
      status: 401,
      detail: expect.any(String),
      error: { type: 'authentication_error', param: null, code: 'unauthenticated' },
    });
  });

  it('finds them in what is refused because of the form, too', async () => {
    const style = { ...GO, encode: () => GO.encode(Buffer.alloc(0)) };
    const empty = await send({ method: 'POST', path: '/v1/stt/transcribe', style });
    expect(empty.status).toBe(400);
    const { detail, error } = JSON.parse(empty.body);
    expect(error).toEqual({
      message: detail,
      type: 'invalid_request_error',
      param: null,
      code: 'empty_file',
    });
  });

  it('finds the field that is at fault in both forms', async () => {
    const klingon = (bytes: Uint8Array) =>
      Buffer.from(
        GO.encode(bytes).toString('latin1').replace('\r\nde\r\n', '\r\nxx\r\n'),
        'latin1',
      );
    const style = { ...GO, encode: klingon };
    const wrong = await send({ method: 'POST', path: '/v1/stt/transcribe', style });
    expect(wrong.status).toBe(422);
    expect(JSON.parse(wrong.body)).toMatchObject({
      detail: [{ loc: ['body', 'language'] }],
      error: { param: 'language', type: 'invalid_request_error', code: 'invalid_fields' },
    });
  });

  it.each(['/v1/stt/nothing', '/v1/stt/metrics', '/v1/stt', '/v1/nothing'])(
    'gets 404 in both forms at %s',
    async (path) => {
      const answer = await send({
        method: 'GET',
        path,
        headers: ['X-Api-Key: sk-internal-gateway'],
      });
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({
        code: 'unknown_route',
        error: { type: 'invalid_request_error' },
      });
    },
  );

  it('has no `error` without the prefix, as the callers of old know it', async () => {
    const answer = await send({ method: 'GET', path: '/models', headers: [] });
    expect(JSON.parse(answer.body)).not.toHaveProperty('error');
  });

  it('is told of the prefix by the list of routes', async () => {
    const { also_under: prefixes } = IndexResponse.parse(
      JSON.parse((await send({ method: 'GET', path: '/' })).body),
    );
    expect(prefixes).toEqual(['/v1/stt']);
  });
});
