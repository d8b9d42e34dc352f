/** GPU leases of the service as it is run, on the cards of a fake nvidia-smi in PATH. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GpuLease, GpuStatus } from '#shared/contracts/gpu-leases.ts';
import { type FakeNvidiaSmi, fakeNvidiaSmi, GPU_A } from '#test/support/fake-nvidia-smi.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const makeDir = useTempDirs();
const KEY = 'internal-key-of-this-test-0123456789';
const HEADERS = { 'X-API-Key': KEY, 'Content-Type': 'application/json' };
let smi: FakeNvidiaSmi;
let origin: RunningOrigin;

const start = (dataDir?: string) =>
  startOrigin(
    { INTERNAL_API_KEY: KEY },
    {
      path: `${smi.dir}:${process.env['PATH']}`,
      ...(dataDir !== undefined && { dataDir }),
    },
  );

beforeEach(async () => {
  smi = fakeNvidiaSmi(makeDir());
  origin = await start();
});

afterEach(() => origin.stop());

async function status(): Promise<GpuStatus> {
  return GpuStatus.parse(await (await fetch(`${origin.url}/v1/gpu`, { headers: HEADERS })).json());
}

function ask(mib: number): Promise<Response> {
  const body = JSON.stringify({ owner: 'mana-tts', model: 'f5', mib });
  return fetch(`${origin.url}/v1/gpu/leases`, { method: 'POST', headers: HEADERS, body });
}

it('finds nvidia-smi in PATH and the leases again after SIGKILL', async () => {
  const lease = GpuLease.parse(await (await ask(20_000)).json());
  expect(lease.device).toBe(GPU_A);
  origin.process.kill('SIGKILL');
  await origin.exited;
  origin = await start(origin.dataDir);
  expect((await status()).leases).toMatchObject([{ id: lease.id, mib: 20_000 }]);
  expect((await ask(6000)).status).toBe(503);
  const path = `${origin.url}/v1/gpu/leases/${lease.id}`;
  expect((await fetch(path, { method: 'DELETE', headers: HEADERS })).status).toBe(204);
  expect((await ask(6000)).status).toBe(201);
});

it('answers others while nvidia-smi hangs, and grants nothing', async () => {
  smi.mode('hang');
  const asked = ask(1000);
  expect((await origin.health()).status).toBe('healthy');
  const refused = await asked;
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'device_unreadable' });
  expect((await status()).reading).toBe('timeout');
  smi.mode('answer');
  expect((await ask(1000)).status).toBe(201);
});
