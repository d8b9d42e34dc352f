/** The composition root: settings and bindings → everything the app needs. Made once for each isolate. */
import { OriginClient } from '#edge-worker/backends/origin.ts';
import { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import type { EdgeConfig } from '#edge-worker/bindings.ts';
import type { EdgeDependencies } from '#edge-worker/edge-env.ts';
import { consoleLogger } from '#edge-worker/logger.ts';
import { authenticateFromSettings } from '#shared/auth/create-authenticate.ts';
import { createAssertionSigner } from '#shared/auth/edge-assertion.ts';
import type { AuthSettings } from '#shared/auth/settings.ts';

/** Wires the real clock, network and console. */
export function createDependencies(config: EdgeConfig): EdgeDependencies {
  const now = () => Date.now();
  const { access, corsOrigins, maxUploadBytes, ipShield } = config;
  // Looked up at each call: workerd's `fetch` must not be called as a method of something else.
  const send = (url: URL, init: RequestInit) => fetch(url, init);
  const { settings, access: whoGetsIn } = config.auth;
  const sign = signerFrom(settings, now);
  const origins = config.origins.map((address) => {
    return new OriginClient(address, { access, sign, fetch: send });
  });
  const authenticate = authenticateFromSettings(settings, {
    access: whoGetsIn,
    fetch: (url, init) => fetch(url, init),
    now,
  });
  const watch = new OriginWatch(origins, { now });
  const { rateLimiters, audioSecondsPerDay } = config;
  return {
    ...{ corsOrigins, maxUploadBytes, ipShield, origins, watch, authenticate },
    limiterFor: (principalId) => rateLimiters.get(rateLimiters.idFromName(principalId)),
    audioSecondsPerDay,
    logger: consoleLogger,
    now,
  };
}

function signerFrom(settings: AuthSettings, now: () => number) {
  const { assertionPrivateKey: privateKey, assertionAudience: audience } = settings;
  return privateKey === null ? null : createAssertionSigner({ privateKey, audience, now });
}
