import type { BreakerBoard } from '#edge-worker/durable-objects/breaker-board.ts';
import type { EdgeMetrics } from '#edge-worker/durable-objects/edge-metrics.ts';
import type { RateLimiter } from '#edge-worker/durable-objects/rate-limiter.ts';
import type * as worker from '#edge-worker/index.ts';

/** What `cloudflare:workers` and `cloudflare:test` give in tests. */
declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof worker;
    }
    interface Env {
      readonly UPLOADS: R2Bucket;
      readonly RATE_LIMITER: DurableObjectNamespace<RateLimiter>;
      readonly BREAKERS: DurableObjectNamespace<BreakerBoard>;
      readonly METRICS: DurableObjectNamespace<EdgeMetrics>;
    }
  }
}
