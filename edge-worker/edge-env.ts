import type { Context } from 'hono';
import type { OriginClient } from '#edge-worker/backends/origin.ts';
import type { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import type { IpShield } from '#edge-worker/bindings.ts';
import type { EdgeLogger } from '#edge-worker/logger.ts';
import type { Authenticate } from '#shared/auth/authenticate.ts';
import type { AuthenticationVariables } from '#shared/middleware/authentication.ts';

/** Everything the app needs; tests and other Workers bring their own. */
export interface EdgeDependencies {
  readonly corsOrigins: readonly string[];
  readonly maxUploadBytes: number;
  /** Refuses addresses that ask too often, before anything else is looked at. */
  readonly ipShield: IpShield;
  /** In the order in which they are asked; at least one. */
  readonly origins: readonly OriginClient[];
  readonly watch: OriginWatch;
  /** Who calls a route that needs a credential. */
  readonly authenticate: Authenticate;
  readonly logger: EdgeLogger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What Hono's context carries at the edge. `Bindings` stay unread: `bindings.ts` alone knows them. */
export interface EdgeEnv {
  /** `principal` is there behind `authenticateCaller` only. */
  Variables: AuthenticationVariables & {
    requestId: string;
    /** Collected for the request's one line in the log. */
    facts: RequestFacts;
  };
}

/** Numbers and names only. */
export interface RequestFacts {
  backend?: string;
  errorCode?: string;
}

export type EdgeContext = Context<EdgeEnv>;
