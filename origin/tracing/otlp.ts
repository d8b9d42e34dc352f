/** Traces over OTLP/HTTP. Loaded by `open-tracing.ts` only. */
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type ParentSpan, readTraceparent, traceIdOf } from '#origin/tracing/trace-ids.ts';
import { MAX_PARTS, type Trace, type TraceOrigin, type Tracing } from '#origin/tracing/tracing.ts';

const CLOSE_LIMIT_MS = 3000;

/** @param endpoint address of a collector, without the path `/v1/traces` */
export function openOtlp(endpoint: string): Tracing {
  const ids = namedIds();
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: 10_000 });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'mana-stt' }),
    idGenerator: ids,
    // A collector that is down costs the spans, never a request: the queue is bounded and drops.
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('mana-stt');
  return {
    begin: (name, origin) => beginTrace(tracer, ids, { name, origin }),
    close: async () => {
      const ended = provider.shutdown().catch(() => undefined);
      await Promise.race([ended, expire(CLOSE_LIMIT_MS)]);
    },
  };
}

interface NamedIds extends IdGenerator {
  /** Of the next trace; null: any. */
  next: string | null;
}

/** Lets the next trace have an id that was chosen. */
function namedIds(): NamedIds {
  const random = new RandomIdGenerator();
  const ids: NamedIds = {
    next: null,
    generateSpanId: () => random.generateSpanId(),
    generateTraceId: () => {
      const chosen = ids.next ?? random.generateTraceId();
      ids.next = null;
      return chosen;
    },
  };
  return ids;
}

function beginTrace(
  tracer: Tracer,
  ids: NamedIds,
  { name, origin }: { name: string; origin: TraceOrigin },
): Trace {
  const parent = readTraceparent(origin.traceparent);
  ids.next = parent === null ? traceIdOf(origin) : null;
  const context = parent === null ? ROOT_CONTEXT : withParent(parent);
  const attributes = { 'mana_stt.request_id': origin.requestId };
  const root = tracer.startSpan(
    name,
    { kind: SpanKind.SERVER, startTime: toEpoch(performance.now()), attributes },
    context,
  );
  return traceOf(root, tracer);
}

function withParent({ traceId, spanId, isSampled }: ParentSpan): Context {
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function traceOf(root: Span, tracer: Tracer): Trace {
  const inside = trace.setSpan(ROOT_CONTEXT, root);
  let parts = 0;
  return {
    traceId: root.spanContext().traceId,
    part(name, startMs, endMs) {
      parts += 1;
      if (parts > MAX_PARTS) return;
      tracer.startSpan(name, { startTime: toEpoch(startMs) }, inside).end(toEpoch(endMs));
    },
    end({ name, isError, attributes = {} }) {
      if (name !== undefined) root.updateName(name);
      root.setAttributes({ ...attributes });
      if (parts > MAX_PARTS) root.setAttribute('mana_stt.parts_left_out', parts - MAX_PARTS);
      if (isError) root.setStatus({ code: SpanStatusCode.ERROR });
      root.end(toEpoch(performance.now()));
    },
  };
}

/** Milliseconds since 1970. */
function toEpoch(performanceMs: number): number {
  return performance.timeOrigin + performanceMs;
}

function expire(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
