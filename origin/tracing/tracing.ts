/**
 * Optional traces: one for each request and each attempt at a job, with its parts. Nothing of OpenTelemetry is loaded
 * unless OTEL_EXPORTER_OTLP_ENDPOINT is set.
 */

export type TraceAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** One request or attempt, until it has ended. Times are those of `performance.now()`. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Adds a part that has ended. Those beyond `MAX_PARTS` are counted only. */
  part(name: string, startMs: number, endMs: number): void;
  end(outcome: TraceOutcome): void;
}

export interface TraceOutcome {
  /** In place of the name at the beginning. */
  readonly name?: string;
  readonly isError: boolean;
  readonly attributes?: TraceAttributes;
}

export interface TraceOrigin {
  readonly requestId: string;
  /** W3C's header of whoever asks. */
  readonly traceparent?: string | undefined;
}

export interface Tracing {
  begin(name: string, origin: TraceOrigin): Trace;
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>;
}

/** A recording of hours has thousands of chunks, each with its stages. */
export const MAX_PARTS = 256;
