import type { Context } from 'hono';
import type { Mistral } from '#edge-worker/backends/mistral.ts';
import type { OriginClient } from '#edge-worker/backends/origin.ts';
import type { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import type { Origins } from '#edge-worker/backends/origin-work.ts';
import type { IpShield } from '#edge-worker/bindings.ts';
import type { EdgeLogger } from '#edge-worker/logger.ts';
import type { MetricStore } from '#edge-worker/metrics/metric-table.ts';
import type { KeepOptions } from '#edge-worker/upload/kept-body.ts';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import type { Authenticate } from '#shared/auth/authenticate.ts';
import type { RateLimit } from '#shared/auth/principal.ts';
import type { AuthenticationVariables } from '#shared/middleware/authentication.ts';
import type { AudioOutcome } from '#shared/rate-limit/audio-quota.ts';
import type { RateOutcome } from '#shared/rate-limit/sliding-window.ts';
import type { BreakerBoard } from '#shared/routing/breaker-board.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

/** Everything the app needs; tests and other Workers bring their own. */
export interface EdgeDependencies {
  readonly corsOrigins: readonly string[];
  /** Refuses addresses that ask too often, before anything else is looked at. */
  readonly ipShield: IpShield;
  /** In the order in which they are asked; at least one. */
  readonly origins: readonly OriginClient[];
  readonly watch: OriginWatch;
  /** All of them as one backend. */
  readonly pool: Origins;
  /** Null where it is not set up. */
  readonly mistral: Mistral | null;
  /** Mistral may step in where a request did not ask for it. */
  readonly isFallbackEnabled: boolean;
  /** How long a recording is offered while no origin takes it, in milliseconds. */
  readonly originPatienceMs: number;
  /** Where bodies are kept while they may be needed again, and their bounds. */
  readonly uploads: Omit<KeepOptions, 'key' | 'now'>;
  /** Never fails: without its board every backend may be asked. */
  readonly breakers: BreakerBoard;
  /** What is counted, of the whole edge. */
  readonly metrics: MetricStore;
  /** Of the deployment, for `/metrics`. */
  readonly version: string;
  /** Who calls a route that needs a credential. */
  readonly authenticate: Authenticate;
  /** The counters of one principal. */
  readonly limiterFor: (principalId: string) => CallerLimiter;
  /** Of everyone who has a limit; null: as much as they like. */
  readonly audioSecondsPerDay: number | null;
  readonly logger: EdgeLogger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What is needed of the Durable Object. */
export interface CallerLimiter {
  take(limit: RateLimit): Promise<RateOutcome>;
  checkAudio(limitSeconds: number): Promise<AudioOutcome>;
  chargeAudio(seconds: number): Promise<void>;
}

/** What Hono's context carries at the edge. `Bindings` stay unread: `bindings.ts` alone knows them. */
export interface EdgeEnv {
  /** `principal` is there behind `authenticateCaller` only. */
  Variables: AuthenticationVariables & {
    requestId: string;
    /** `X-RateLimit-*` of this caller, for whatever the answer will be. */
    limitHeaders?: Readonly<Record<string, string>>;
    /** Collected for the request's one line in the log. */
    facts: RequestFacts;
  };
}

/** Numbers and names only. */
export interface RequestFacts {
  backend?: string;
  errorCode?: string;
  /** Every backend that was asked, in its order. */
  tried?: readonly Attempt[];
  /** Of the upload, as far as it was read. Absent: what its `Content-Length` said. */
  uploadBytes?: number;
  /** Why nobody was let in. */
  refusal?: AuthFailure['kind'];
  /** Which limit the caller met. */
  limited?: 'address' | 'requests' | 'audio_seconds';
}

export type EdgeContext = Context<EdgeEnv>;
