/** The composition root: settings and bindings → everything the app needs. Made once for each isolate. */
import { failOpen } from '#edge-worker/backends/breakers.ts';
import { createMistral } from '#edge-worker/backends/mistral.ts';
import { OriginClient, type OriginNews } from '#edge-worker/backends/origin.ts';
import { DEFAULT_POOL_TIMES, OriginPool } from '#edge-worker/backends/origin-pool.ts';
import { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import type { EdgeConfig } from '#edge-worker/bindings.ts';
import type { EdgeDependencies } from '#edge-worker/edge-env.ts';
import { consoleLogger } from '#edge-worker/logger.ts';
import type { MetricStore } from '#edge-worker/metrics/metric-table.ts';
import { ByteBudget } from '#edge-worker/upload/byte-budget.ts';
import { authenticateFromSettings } from '#shared/auth/create-authenticate.ts';
import { createAssertionSigner } from '#shared/auth/edge-assertion.ts';
import type { AuthSettings } from '#shared/auth/settings.ts';
import type { BreakerBoard } from '#shared/routing/breaker-board.ts';

/** Wires the real clock, network and console. */
export function createDependencies(config: EdgeConfig): EdgeDependencies {
  const now = () => Date.now();
  const { access, corsOrigins, maxUploadBytes, ipShield } = config;
  // Looked up at each call: workerd's `fetch` must not be called as a method of something else.
  const send = (url: URL, init: RequestInit) => fetch(url, init);
  const { settings, access: whoGetsIn } = config.auth;
  const origins = config.origins.map((address) => {
    const sign = signerFrom(settings, address.audience, now);
    const onNews = (news: OriginNews) => watch.note(address.name, news);
    return new OriginClient(address, { access, sign, fetch: send, onNews });
  });
  const watch = new OriginWatch(origins, { now });
  const drained = new Set(config.origins.filter((it) => it.isDraining).map(({ name }) => name));
  const pool = new OriginPool({
    origins: origins.map((client) => ({ client, isDraining: drained.has(client.name) })),
    watch,
    times: { ...DEFAULT_POOL_TIMES, now, delay },
    randomId: () => crypto.randomUUID(),
  });
  const authenticate = authenticateFromSettings(settings, {
    access: whoGetsIn,
    fetch: (url, init) => fetch(url, init),
    now,
  });
  const { rateLimiters, audioSecondsPerDay, version } = config;
  return {
    ...{ corsOrigins, ipShield, origins, watch, pool, authenticate },
    uploads: {
      bucket: config.uploads,
      budget: new ByteBudget(UPLOAD_MEMORY_BYTES),
      limits: {
        maxFileBytes: maxUploadBytes,
        idleTimeoutSeconds: config.uploadIdleTimeoutSeconds,
      },
    },
    mistral: mistralFrom(config, now),
    isFallbackEnabled: config.isFallbackEnabled,
    originPatienceMs: config.originRetrySeconds * 1000,
    limiterFor: (principalId) => rateLimiters.get(rateLimiters.idFromName(principalId)),
    audioSecondsPerDay,
    breakers: failOpen(breakersOf(config), consoleLogger),
    metrics: metricsOf(config),
    version,
    logger: consoleLogger,
    now,
  };
}

/** A stub for each call: one that has failed stays broken. */
function breakersOf({ breakers }: EdgeConfig): BreakerBoard {
  const board = () => breakers.get(breakers.idFromName('breakers'));
  return {
    look: async () => await board().look(),
    admit: async (backend) => await board().admit(backend),
    report: async (backend, permit, outcome) => await board().report(backend, permit, outcome),
  };
}

function metricsOf({ metrics }: EdgeConfig): MetricStore {
  const object = () => metrics.get(metrics.idFromName('metrics'));
  return {
    report: async (samples) => await object().report(samples),
    read: async () => await object().read(),
  };
}

function mistralFrom({ mistral }: EdgeConfig, now: () => number) {
  if (mistral === null) return null;
  return createMistral(mistral, {
    fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
    now,
    logger: consoleLogger,
  });
}

/** Of the 128 MB that an isolate has for everything. */
const UPLOAD_MEMORY_BYTES = 64 * 1024 * 1024;

function signerFrom(settings: AuthSettings, ownAudience: string | null, now: () => number) {
  const { assertionPrivateKey: privateKey, assertionAudience } = settings;
  const audience = ownAudience ?? assertionAudience;
  return privateKey === null ? null : createAssertionSigner({ privateKey, audience, now });
}

/** Ends at once when the signal is aborted: whoever waits looks at it. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, signal.aborted ? 0 : ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
