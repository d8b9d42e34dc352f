import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '#origin/config.ts';
import { createLogger } from '#origin/logger.ts';
import { openTracing } from '#origin/tracing/open-tracing.ts';
import { openOtlp } from '#origin/tracing/otlp.ts';
import { readTraceparent, traceIdOf } from '#origin/tracing/trace-ids.ts';
import { MAX_PARTS } from '#origin/tracing/tracing.ts';

const Value = z.object({
  stringValue: z.string().optional(),
  intValue: z.coerce.number().optional(),
});
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.coerce.number(),
  endTimeUnixNano: z.coerce.number(),
  attributes: z.array(z.object({ key: z.string(), value: Value })),
  status: z.object({ code: z.number() }),
});
const Traces = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(Span) })) })),
});
type Span = z.infer<typeof Span>;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A stand-in for a collector: takes OTLP as JSON. */
async function startCollector(): Promise<{ url: string; spans: Span[]; paths: string[] }> {
  const spans: Span[] = [];
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    paths.push(request.url ?? '');
    const { resourceSpans } = Traces.parse(await json(request));
    spans.push(...resourceSpans.flatMap((it) => it.scopeSpans.flatMap((scope) => scope.spans)));
    response.end('{}');
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans, paths };
}

const REQUEST_ID = '2f1b6f0e-0c41-4a5e-9d0c-5b1f6a1e7c11';

describe('openOtlp', () => {
  it('sends a trace with its parts to a collector', async () => {
    const { url, spans, paths } = await startCollector();
    const tracing = openOtlp(url);
    const trace = tracing.begin('POST', { requestId: REQUEST_ID });
    const now = performance.now();
    trace.part('upload', now - 20, now - 10);
    trace.part('queue', now - 10, now);
    trace.end({ name: 'POST /transcribe', isError: false, attributes: { model: 'base' } });
    await tracing.close();
    expect(paths).toEqual(['/v1/traces']);
    expect(spans.map(({ name }) => name)).toEqual(['upload', 'queue', 'POST /transcribe']);
    const root = spans.at(-1)!;
    expect(root.traceId).toBe(REQUEST_ID.replaceAll('-', ''));
    expect(root.parentSpanId ?? '').toBe('');
    expect(root.attributes).toContainEqual({ key: 'model', value: { stringValue: 'base' } });
    expect(spans.slice(0, 2).every(({ parentSpanId }) => parentSpanId === root.spanId)).toBe(true);
    expect(spans[0]!.endTimeUnixNano - spans[0]!.startTimeUnixNano).toBeCloseTo(10e6, -5);
  });

  it('goes on with the trace that a caller has begun', async () => {
    const { url, spans } = await startCollector();
    const tracing = openOtlp(url);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    tracing.begin('GET', { requestId: REQUEST_ID, traceparent }).end({ isError: true });
    await tracing.close();
    expect(spans).toMatchObject([
      {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        parentSpanId: 'b7ad6b7169203331',
        status: { code: 2 },
      },
    ]);
  });

  it('bounds the parts of a trace and says how many it has left out', async () => {
    const { url, spans } = await startCollector();
    const tracing = openOtlp(url);
    const trace = tracing.begin('POST', { requestId: REQUEST_ID });
    for (let i = 0; i < MAX_PARTS + 7; i++) trace.part('transcribe', i, i + 1);
    trace.end({ isError: false });
    await tracing.close();
    expect(spans).toHaveLength(MAX_PARTS + 1);
    expect(spans.at(-1)!.attributes).toContainEqual({
      key: 'mana_stt.parts_left_out',
      value: { intValue: 7 },
    });
  });

  it('costs no request anything when the collector is gone', async () => {
    const { url } = await startCollector();
    servers.splice(0)[0]?.close();
    const tracing = openOtlp(url);
    tracing.begin('POST', { requestId: REQUEST_ID }).end({ isError: false });
    await expect(tracing.close()).resolves.toBeUndefined();
  });
});

describe('openTracing', () => {
  it('is nothing without an address', async () => {
    expect(loadConfig({}).otlpEndpoint).toBeNull();
    expect(await openTracing(null, createLogger('silent'))).toBeUndefined();
  });

  it('takes an address without password, and hides a wrong one', () => {
    const load = (url: string) => () => loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
    expect(load('http://127.0.0.1:4318/')().otlpEndpoint).toBe('http://127.0.0.1:4318');
    expect(load('https://me:secret@collector')).toThrow(/OTEL_EXPORTER_OTLP_ENDPOINT=\(hidden\)/);
  });
});

describe('readTraceparent', () => {
  it.each([
    undefined,
    '',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331',
  ])('does not believe %j', (header) => {
    expect(readTraceparent(header)).toBeNull();
  });
});

describe('traceIdOf', () => {
  it('is the id of the request where that is a UUID', () => {
    expect(traceIdOf({ requestId: REQUEST_ID })).toBe(REQUEST_ID.replaceAll('-', ''));
    expect(traceIdOf({ requestId: 'my-request' })).toBeNull();
    expect(traceIdOf({ requestId: '0'.repeat(32) })).toBeNull();
  });
});
