/** `GET /metrics` for Prometheus: by address from near, by the internal key from everywhere. */
import { BlockList, isIP } from 'node:net';
import type { Context, Handler } from 'hono';
import type { OriginConfig } from '#origin/config.ts';
import type { GpuReading } from '#origin/metrics/metrics.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { heldMib } from '#origin/vram/lease.ts';
import type { VramStatus } from '#origin/vram/vram-status.ts';
import { findForwardingHeader } from '#shared/auth/access.ts';
import { readCredential } from '#shared/auth/credentials.ts';
import { createStaticKeys } from '#shared/auth/static-keys.ts';
import { SttException } from '#shared/errors.ts';

/**
 * Makes the handler.
 * @throws Error at once when `METRICS_ALLOW` holds something that is no address or network
 */
export function metricsRoute(deps: OriginDependencies): Handler<OriginEnv> {
  const mayRead = metricsRule(deps.config);
  return async function metrics(c) {
    if (!(await mayRead(c))) {
      throw new SttException({ kind: 'unauthenticated' });
    }
    look(deps);
    if (deps.vram !== undefined)
      deps.metrics.setGpu(toGpuReading(await deps.vram.manager.status()));
    const { contentType, text } = await deps.metrics.render();
    return c.body(text, 200, { 'Content-Type': contentType });
  };
}

/** What is as it is, rather than counted as it happens. */
function look({ admission, config, jobs, metrics, transcriber }: OriginDependencies): void {
  metrics.setQueue(admission.counts());
  metrics.setLimits({ slots: config.maxConcurrentRequests, queue: config.maxQueue });
  const { engine: state, engineRssBytes: rssBytes = null } = transcriber.health();
  metrics.setEngine({ state, rssBytes });
  if (jobs !== undefined) metrics.setJobs(jobs.counts());
}

function toGpuReading({ problem, devices, leases, waiting, unreturned }: VramStatus): GpuReading {
  return {
    problem,
    devices: devices.map(({ id, totalMib, usedMib, leasedMib, otherMib, roomMib }) => ({
      id,
      mib: {
        total: totalMib,
        used: usedMib,
        leased: leasedMib,
        other: otherMib,
        room: roomMib,
      },
    })),
    leases: leases.map((lease) => ({ ...lease, mib: heldMib(lease) })),
    waiting: waiting.length,
    unreturned: unreturned.map(({ owner, missingMib }) => ({ owner, mib: missingMib })),
  };
}

type MetricsConfig = Pick<OriginConfig, 'metricsAllow' | 'internalApiKey'>;

function metricsRule(config: MetricsConfig): (c: Context<OriginEnv>) => Promise<boolean> {
  const allowed = toBlockList(config.metricsAllow);
  const { internalApiKey } = config;
  const findKey = createStaticKeys({ internalApiKey, apiKeys: [], defaultRateLimit: null });
  return async (c) => {
    const sent = sentKey(c.req.raw.headers);
    if (sent !== null && internalApiKey !== null) return (await findKey(sent)) !== null;
    const address = c.env?.incoming?.socket.remoteAddress;
    // A proxy or tunnel on this machine would make the whole world look near.
    const isForwarded = findForwardingHeader(c.req.raw.headers) !== null;
    return address !== undefined && !isForwarded && isListed(allowed, address);
  };
}

/** Null: none was sent; another scheme is some proxy's own business. Empty: one that nobody can have. */
function sentKey(headers: Headers): string | null {
  const sent = readCredential(headers);
  if (sent.ok) return sent.value;
  return sent.error === 'unsupported_scheme' ? null : '';
}

function toBlockList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const bits = Number(prefix ?? (family === 'ipv6' ? 128 : 32));
    const isValid = isIP(address) !== 0 && rest.length === 0 && Number.isInteger(bits);
    if (!isValid || bits < 0 || bits > (family === 'ipv6' ? 128 : 32)) {
      throw new Error(`METRICS_ALLOW: "${entry}" is no address or network, e.g. 10.0.0.0/8`);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

function isListed(list: BlockList, address: string): boolean {
  // A socket that serves both families writes IPv4 callers as ::ffff:1.2.3.4.
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
}
