/** `/v1/gpu`: other services of this machine take, keep and give back GPU memory. */
import type { Context, Handler, MiddlewareHandler } from 'hono';
import type { OriginEnv } from '#origin/routes/origin-env.ts';
import { readJson } from '#origin/routes/read-json.ts';
import { isReleaseUrl } from '#origin/vram/ask-release.ts';
import type { LeaseDemand } from '#origin/vram/lease.ts';
import type { Vram } from '#origin/vram/open-vram.ts';
import { toGpuLease, toGpuStatus } from '#origin/vram/wire.ts';
import { GpuLeaseRequest, GpuLeaseUpdate } from '#shared/contracts/gpu-leases.ts';
import { SttException } from '#shared/errors.ts';

type OriginContext = Context<OriginEnv>;

/** The handlers by what they do. */
export interface GpuLeaseRoutes {
  /** Stands before all of them. */
  readonly internalOnly: MiddlewareHandler<OriginEnv>;
  readonly acquire: Handler<OriginEnv>;
  readonly heartbeat: Handler<OriginEnv>;
  readonly release: Handler<OriginEnv>;
  readonly status: Handler<OriginEnv>;
}

/** Makes the handlers. */
export function gpuLeaseRoutes(vram: Vram): GpuLeaseRoutes {
  const { manager } = vram;
  return {
    internalOnly,
    acquire: async (c) => {
      const request = await readJson(c, GpuLeaseRequest);
      const demand = await toDemand(request, vram);
      const { signal } = c.req.raw;
      const lease = await manager.acquire(demand, { waitMs: request.wait * 1000, signal });
      c.header('Location', `/v1/gpu/leases/${lease.id}`);
      return c.json(toGpuLease(lease), 201);
    },
    heartbeat: async (c) => {
      const { in_use, loaded, used_mib, ttl_seconds, pid } = await readJson(c, GpuLeaseUpdate);
      const ttlMs = ttl_seconds === undefined ? undefined : ttl_seconds * 1000;
      const news = { isInUse: in_use, isLoaded: loaded, usedMib: used_mib, ttlMs, pid };
      return c.json(toGpuLease(manager.heartbeat(otherId(c, vram), news)));
    },
    release: (c) => {
      manager.release(otherId(c, vram));
      return c.body(null, 204);
    },
    status: async (c) => c.json(toGpuStatus(await manager.status())),
  };
}

/** The edge's word for a caller is not enough: leases are for services of this machine. */
const internalOnly: MiddlewareHandler<OriginEnv> = async (c, next) => {
  if (c.get('principal').kind !== 'internal' || c.get('authenticatedVia') === 'assertion') {
    throw new SttException({ kind: 'forbidden', wanted: 'sharing the GPU (INTERNAL_API_KEY)' });
  }
  await next();
};

/** Leases of the service itself are shown, and nobody else's to touch. */
function otherId(c: OriginContext, { manager }: Vram): string {
  const id = c.req.param('id') ?? '';
  if (manager.isLocal(id)) {
    throw new SttException({ kind: 'forbidden', wanted: 'changing a lease of the service itself' });
  }
  return id;
}

async function toDemand(request: GpuLeaseRequest, vram: Vram): Promise<LeaseDemand> {
  const { owner, model, mib, target, priority, device, in_use, pid, ttl_seconds } = request;
  const releaseUrl = request.release_url ?? null;
  if (releaseUrl !== null && !isReleaseUrl(releaseUrl, vram.releaseHosts)) {
    const message = `write an http address of one of these hosts: ${vram.releaseHosts.join(', ')}.`;
    const fault = { field: 'release_url', message, type: 'value_error' };
    throw new SttException({ kind: 'invalid_fields', faults: [fault] });
  }
  return {
    ...{ owner, model, mib, target, priority, releaseUrl, isLocal: false, isInUse: in_use },
    device: device === undefined ? null : await vram.manager.deviceId(device),
    pid: pid ?? null,
    ttlMs: ttl_seconds * 1000,
  };
}
