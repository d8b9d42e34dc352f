/** The composition root: settings and bindings → everything the app needs. Made once for each isolate. */
import { OriginClient } from '#edge-worker/backends/origin.ts';
import { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import type { EdgeConfig } from '#edge-worker/bindings.ts';
import type { EdgeDependencies } from '#edge-worker/edge-env.ts';
import { consoleLogger } from '#edge-worker/logger.ts';

/** Wires the real clock, network and console. */
export function createDependencies(config: EdgeConfig): EdgeDependencies {
  const now = () => Date.now();
  const { access, corsOrigins, maxUploadBytes, ipShield } = config;
  // Looked up at each call: workerd's `fetch` must not be called as a method of something else.
  const send = (url: URL, init: RequestInit) => fetch(url, init);
  const origins = config.origins.map((address) => {
    return new OriginClient(address, { access, fetch: send });
  });
  const watch = new OriginWatch(origins, { now });
  return { corsOrigins, maxUploadBytes, ipShield, origins, watch, logger: consoleLogger, now };
}
