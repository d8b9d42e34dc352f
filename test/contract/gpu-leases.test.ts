import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GpuLease, GpuStatus } from '#shared/contracts/gpu-leases.ts';
import { GPU_A, GPU_B } from '#test/support/fake-nvidia-smi.ts';
import { APP_KEY, type GpuOrigin, INTERNAL_KEY, startGpuOrigin } from '#test/support/gpu-origin.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { newDemand } from '#test/support/new-lease.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const makeDir = useTempDirs();
let dataDir: string;
let origin: GpuOrigin<ManualClock>;

beforeEach(async () => {
  dataDir = makeDir();
  origin = await startGpuOrigin({ dataDir, clock: new ManualClock() });
});

afterEach(() => origin.stop());

function call(method: string, path: string, body?: unknown, init: RequestInit = {}) {
  return fetch(`${origin.url}${path}`, {
    method,
    headers: { 'X-API-Key': INTERNAL_KEY, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...init,
  });
}

const F5 = { owner: 'mana-tts', model: 'f5', mib: 6000 };
const ask = (given: object = {}, init: RequestInit = {}) =>
  call('POST', '/v1/gpu/leases', { ...F5, ...given }, init);

async function granted(given: object = {}): Promise<GpuLease> {
  const response = await ask(given);
  expect(response.status).toBe(201);
  return GpuLease.strict().parse(await response.json());
}

async function status(): Promise<GpuStatus> {
  const response = await call('GET', '/v1/gpu');
  expect(response.status).toBe(200);
  return GpuStatus.strict().parse(await response.json());
}

async function detailOf(response: Response): Promise<unknown> {
  return z.object({ detail: z.unknown() }).parse(await response.json()).detail;
}

/** Fulfils when so many demands wait. */
async function whileWaiting(count: number): Promise<void> {
  while ((await status()).waiting.length < count);
}

/** Fulfils when the response is there; the clock goes on meanwhile, as it would. */
async function inTime(response: Promise<Response>): Promise<Response> {
  let isThere = false;
  const watched = response.finally(() => {
    isThere = true;
  });
  while (!isThere) {
    await status();
    origin.clock.advance(1000);
  }
  return watched;
}

describe('/v1/gpu and its callers', () => {
  const ROUTES = [
    ['GET', '/v1/gpu'],
    ['POST', '/v1/gpu/leases'],
    ['PUT', '/v1/gpu/leases/x'],
    ['DELETE', '/v1/gpu/leases/x'],
  ] as const;

  it.each(ROUTES)('refuses %s %s without a key with 401', async (method, path) => {
    expect((await call(method, path, undefined, { headers: {} })).status).toBe(401);
  });

  it.each(ROUTES)('refuses %s %s with a wrong key with 401', async (method, path) => {
    const headers = { 'X-API-Key': `${INTERNAL_KEY}x` };
    expect((await call(method, path, undefined, { headers })).status).toBe(401);
  });

  it.each(ROUTES)('refuses %s %s with the key of an app with 403', async (method, path) => {
    const response = await call(method, path, undefined, { headers: { 'X-API-Key': APP_KEY } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { type: 'permission_error' } });
  });

  it('is listed', async () => {
    expect(await (await fetch(origin.url)).text()).toContain('POST /v1/gpu/leases');
  });
});

describe('POST /v1/gpu/leases', () => {
  it('gives a lease on the card, and shows it', async () => {
    const response = await ask({ target: 'cuda/float16', pid: 4321 });
    const lease = GpuLease.strict().parse(await response.json());
    expect(response.headers.get('location')).toBe(`/v1/gpu/leases/${lease.id}`);
    expect(lease).toMatchObject({
      ...{ ...F5, target: 'cuda/float16', device: GPU_A, priority: 5, state: 'active' },
      ...{ in_use: true, loaded: false, pid: 4321, measured_mib: null },
    });
    const { devices, leases } = await status();
    expect(leases).toEqual([lease]);
    expect(devices).toMatchObject([
      {
        ...{ id: GPU_A, kind: 'gpu', total_mib: 24_564, used_mib: 600, reserve_mib: 1024 },
        ...{ leased_mib: 6000, pending_mib: 6000, other_mib: 600, room_mib: 16_940 },
      },
    ]);
  });

  it('shows neither addresses nor keys', async () => {
    await granted({ release_url: 'http://127.0.0.1:8001/release' });
    const text = await (await call('GET', '/v1/gpu')).text();
    expect(text).not.toContain('8001');
  });

  it('takes a device by index or id', async () => {
    origin.smi.gpus([
      { index: 0, uuid: GPU_A, totalMib: 24_000, usedMib: 0 },
      { index: 1, uuid: GPU_B, totalMib: 24_000, usedMib: 0 },
    ]);
    expect(await granted({ device: '1' })).toMatchObject({ device: GPU_B });
    expect(await granted({ device: GPU_A })).toMatchObject({ device: GPU_A });
  });

  it('refuses an unknown device with 404 and names those that are', async () => {
    const response = await ask({ device: '7' });
    expect(response.status).toBe(404);
    expect(await detailOf(response)).toContain(GPU_A);
  });

  it('refuses with 503 and who would have to go', async () => {
    await granted({ mib: 20_000 });
    const response = await ask();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('10');
    const blocker = { owner: 'mana-tts', model: 'f5', mib: 20_000, priority: 5, in_use: true };
    expect(await response.json()).toMatchObject({
      ...{ code: 'no_gpu_memory', error: { code: 'no_gpu_memory', type: 'server_error' } },
      room: { device: GPU_A, room_mib: 2940, other_mib: 600, blockers: [blocker] },
    });
  });

  it('refuses more than any card has with 422', async () => {
    const response = await ask({ mib: 30_000, wait: 60 });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'lease_too_large' });
  });

  it.each([
    ['an absurd size', { mib: 1e12 }, 'mib'],
    ['no size', { mib: undefined }, 'mib'],
    ['a negative size', { mib: -1 }, 'mib'],
    ['half a MiB', { mib: 0.5 }, 'mib'],
    ['an endless wait', { wait: 1e9 }, 'wait'],
    ['an endless life', { ttl_seconds: 1e9 }, 'ttl_seconds'],
    ['a priority beyond 9', { priority: 10 }, 'priority'],
    ['an owner of many letters', { owner: 'x'.repeat(101) }, 'owner'],
    ['an owner with a line break', { owner: 'a\nb' }, 'owner'],
    ['an unknown member', { devcie: '0' }, 'devcie'],
    ['a process that cannot be', { pid: 0 }, 'pid'],
    ['an address elsewhere', { release_url: 'http://169.254.169.254/' }, 'release_url'],
  ])('refuses %s with 422 and names it', async (_what, given, field) => {
    const response = await ask(given);
    expect(response.status).toBe(422);
    expect(await detailOf(response)).toMatchObject([{ loc: ['body', field] }]);
  });

  it.each([
    ['no JSON', '{', 400],
    ['nothing', '', 400],
    ['no object', '[]', 422],
    ['more than 16 KB', JSON.stringify({ owner: 'x'.repeat(20_000) }), 413],
  ])('refuses %s', async (_what, body, expected) => {
    expect((await call('POST', '/v1/gpu/leases', body)).status).toBe(expected);
  });

  it('waits for room that another lease gives back', async () => {
    const first = await granted({ mib: 20_000 });
    const second = ask({ mib: 20_000, wait: 60 });
    await whileWaiting(1);
    expect((await call('DELETE', `/v1/gpu/leases/${first.id}`)).status).toBe(204);
    expect((await second).status).toBe(201);
  });

  it('refuses when the wait is over', async () => {
    await granted({ mib: 20_000 });
    const second = ask({ mib: 20_000, wait: 3 });
    await whileWaiting(1);
    expect((await inTime(second)).status).toBe(503);
    expect((await status()).waiting).toEqual([]);
  });

  it('forgets a client that leaves while it waits', async () => {
    await granted({ mib: 20_000 });
    const leave = new AbortController();
    const second = ask({ mib: 20_000, wait: 60 }, { signal: leave.signal });
    await whileWaiting(1);
    leave.abort();
    await expect(second).rejects.toThrow();
    while ((await status()).waiting.length > 0);
    expect((await status()).leases).toHaveLength(1);
  });

  it('asks an idle owner at its address to make room', async () => {
    const asked: unknown[] = [];
    const owner = createServer(async (request, response) => {
      const body = JSON.parse(String(await request.toArray()));
      asked.push(body);
      response.writeHead(202).end();
      await call('DELETE', `/v1/gpu/leases/${body.lease_id}`);
    });
    await once(owner.listen(0, '127.0.0.1'), 'listening');
    const release_url = `http://127.0.0.1:${(owner.address() as AddressInfo).port}/release`;
    try {
      const { id } = await granted({ mib: 20_000, in_use: false, release_url });
      const second = await inTime(ask({ mib: 20_000, wait: 60 }));
      expect(second.status).toBe(201);
      expect(asked).toEqual([
        { ...{ lease_id: id, owner: 'mana-tts', model: 'f5', device: GPU_A, reason: 'room' } },
      ]);
    } finally {
      owner.close();
    }
  });
});

describe('PUT /v1/gpu/leases/{id}', () => {
  const put = (id: string, body: object = {}) => call('PUT', `/v1/gpu/leases/${id}`, body);

  it('puts the end off and takes news', async () => {
    const { id } = await granted({ ttl_seconds: 10 });
    origin.clock.advance(9000);
    const response = await put(id, { in_use: false, loaded: true, used_mib: 5000 });
    expect(GpuLease.strict().parse(await response.json())).toMatchObject({
      ...{ in_use: false, loaded: true, measured_mib: 5000 },
      expires_at: new Date(19_000).toISOString(),
    });
  });

  it('hears in a heartbeat that its room is wanted', async () => {
    const { id } = await granted({ mib: 20_000, in_use: false });
    const second = ask({ mib: 20_000, wait: 5 });
    await whileWaiting(1);
    expect(await (await put(id)).json()).toMatchObject({ state: 'releasing' });
    expect((await inTime(second)).status).toBe(503);
  });

  it('answers 410 after the lease has expired, and 404 for one that never was', async () => {
    const { id } = await granted({ ttl_seconds: 10 });
    origin.clock.advance(10_000);
    const late = await put(id);
    expect(late.status).toBe(410);
    expect(await detailOf(late)).toContain('no heartbeat came in time');
    expect((await put('never')).status).toBe(404);
  });

  it('answers 410 when the card was removed', async () => {
    const { id } = await granted();
    origin.smi.gpus([{ index: 0, uuid: GPU_B, totalMib: 24_000, usedMib: 0 }]);
    for (const _reading of [1, 2]) {
      origin.clock.advance(1000);
      await status();
    }
    const gone = await put(id);
    expect(gone.status).toBe(410);
    expect(await detailOf(gone)).toContain('its device, which is gone');
  });

  it('refuses unknown members and absurd sizes with 422', async () => {
    const { id } = await granted();
    expect((await put(id, { inuse: true })).status).toBe(422);
    expect((await put(id, { used_mib: 1e12 })).status).toBe(422);
  });
});

describe('DELETE /v1/gpu/leases/{id}', () => {
  it('answers a second release with 410 and an unknown one with 404', async () => {
    const { id } = await granted();
    const path = `/v1/gpu/leases/${id}`;
    expect((await call('DELETE', path)).status).toBe(204);
    const second = await call('DELETE', path);
    expect(second.status).toBe(410);
    expect(await second.json()).toMatchObject({ code: 'lease_ended' });
    expect((await call('DELETE', '/v1/gpu/leases/never')).status).toBe(404);
  });

  it('leaves leases of the service itself alone', async () => {
    const own = newDemand({ isLocal: true });
    const { id } = await origin.vram.manager.acquire(own, { waitMs: 0 });
    expect((await call('DELETE', `/v1/gpu/leases/${id}`)).status).toBe(403);
    expect((await call('PUT', `/v1/gpu/leases/${id}`, {})).status).toBe(403);
    expect((await status()).leases).toHaveLength(1);
  });
});

describe('GPU leases and a machine in trouble', () => {
  it('answers 503 while nvidia-smi fails or prints nonsense, and goes on afterwards', async () => {
    await granted();
    for (const trouble of [() => origin.smi.mode('fail'), () => origin.smi.print('nonsense')]) {
      origin.smi.mode('answer');
      trouble();
      origin.clock.advance(1000);
      const response = await ask();
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ code: 'device_unreadable' });
    }
    expect(await status()).toMatchObject({ reading: 'nonsense', leases: [{ mib: 6000 }] });
    origin.smi.gpus([{ index: 0, uuid: GPU_A, totalMib: 24_000, usedMib: 0 }]);
    expect((await ask()).status).toBe(201);
  });

  it('keeps leases over a restart', async () => {
    const lease = await granted();
    await origin.stop();
    origin = await startGpuOrigin({ dataDir, clock: origin.clock });
    const { leases } = await status();
    expect(leases).toMatchObject([{ id: lease.id, mib: 6000, device: GPU_A }]);
    expect((await call('DELETE', `/v1/gpu/leases/${lease.id}`)).status).toBe(204);
  });

  it('sends those who wait away when the service goes down', async () => {
    await granted({ mib: 20_000 });
    const second = ask({ mib: 20_000, wait: 60 });
    await whileWaiting(1);
    await origin.stop();
    const response = await second;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'shutting_down' });
    origin = await startGpuOrigin({ dataDir, clock: origin.clock });
  });

  it('shares RAM where there is no nvidia-smi', async () => {
    await origin.stop();
    const environment = { NVIDIA_SMI: '/nowhere/nvidia-smi', GPU_RESERVE_MIB: '0' };
    origin = await startGpuOrigin({ dataDir: makeDir(), clock: origin.clock, environment });
    expect(await granted({ mib: 1 })).toMatchObject({ device: 'ram' });
    expect((await status()).devices).toMatchObject([{ id: 'ram', kind: 'ram', index: 0 }]);
  });
});
