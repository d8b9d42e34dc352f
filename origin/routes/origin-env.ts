import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Admission } from '#origin/admission/admission.ts';
import type { Backends } from '#origin/backends/open-backends.ts';
import type { OriginConfig } from '#origin/config.ts';
import type { Gate } from '#origin/gate.ts';
import type { Jobs } from '#origin/jobs/jobs.ts';
import type { Logger } from '#origin/logger.ts';
import type { OriginMetrics } from '#origin/metrics/metrics.ts';
import type { Transcriber } from '#origin/pipeline/transcriber.ts';
import type { Trace, Tracing } from '#origin/tracing/tracing.ts';
import type { Vram } from '#origin/vram/open-vram.ts';
import type { AuthenticationVariables } from '#shared/middleware/authentication.ts';

/** Everything the app needs; tests and other services bring their own. */
export interface OriginDependencies {
  readonly config: OriginConfig;
  readonly logger: Logger;
  readonly metrics: OriginMetrics;
  readonly transcriber: Transcriber;
  readonly admission: Admission;
  /** Asked before every route that needs a credential. Absent: everyone passes, as one caller without a limit. */
  readonly gate?: Gate;
  /** Absent: there are no routes under `/jobs`. */
  readonly jobs?: Jobs;
  /** Absent: there are no routes under `/v1/gpu`. */
  readonly vram?: Vram;
  /** Absent: there are no routes on which a backend is chosen. */
  readonly backends?: Backends;
  /** Absent: no traces. */
  readonly tracing?: Tracing;
  /** Whose jobs a request may see: stable over restarts. Absent: the principal that the gate has found. */
  readonly principalId?: (c: Context<OriginEnv>) => string;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** What Hono's context carries in the origin. */
export interface OriginEnv {
  /** Node's own request and response; absent when the app is called without a server. */
  Bindings: Partial<HttpBindings>;
  Variables: AuthenticationVariables & {
    requestId: string;
    /** Absent without tracing. */
    trace?: Trace;
    /** Collected for the request's one line in the log. */
    facts: RequestFacts;
  };
}

/** Numbers and names only: never text, bytes or keys. */
export interface RequestFacts {
  /** `id` of whoever asks. */
  principal?: string;
  /** Why nobody was let in. */
  refusal?: string;
  model?: string;
  /** Who answered, and who was asked, where that was chosen. */
  backend?: string;
  tried?: string;
  language?: string;
  sizeBytes?: number;
  audioSeconds?: number;
  uploadMs?: number;
  queueMs?: number;
  workMs?: number;
  errorCode?: string;
}
