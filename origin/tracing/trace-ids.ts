import type { TraceOrigin } from '#origin/tracing/tracing.ts';

export interface ParentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/**
 * The caller's span, where it names one.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function readTraceparent(header: string | undefined): ParentSpan | null {
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/.exec(header?.trim() ?? '') ??
    [];
  const isVoid = /^0+$/.test(traceId) || /^0+$/.test(spanId);
  if (version === undefined || version === 'ff' || isVoid) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The request's id as the trace's, where it is a UUID: then a line of the log leads to its trace. */
export function traceIdOf({ requestId }: TraceOrigin): string | null {
  const digits = requestId.toLowerCase().replaceAll('-', '');
  return /^(?!0+$)[\da-f]{32}$/.test(digits) ? digits : null;
}
