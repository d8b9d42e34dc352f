/** What /metrics tells of the ledger of GPU memory. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GpuOrigin, INTERNAL_KEY, startGpuOrigin } from '#test/support/gpu-origin.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const makeDir = useTempDirs();
let origin: GpuOrigin<ManualClock>;

beforeEach(async () => {
  origin = await startGpuOrigin({ dataDir: makeDir(), clock: new ManualClock() });
});
afterEach(() => origin.stop());

function call(path: string, body?: object): Promise<Response> {
  const headers = { 'X-API-Key': INTERNAL_KEY, 'Content-Type': 'application/json' };
  return fetch(`${origin.url}${path}`, {
    headers,
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
}

const metrics = async () => (await call('/metrics')).text();

describe('GET /metrics, with a ledger', () => {
  it('tells the memory of each device, and which service has leased how much', async () => {
    const lease = { owner: 'mana-tts', model: 'f5', mib: 6000 };
    const granted = await call('/v1/gpu/leases', lease);
    expect(granted.status).toBe(201);
    const text = await metrics();
    expect(text).toMatch(/^mana_stt_gpu_memory_mib\{device="GPU-[^"]+",kind="total"\} \d+$/m);
    expect(text).toMatch(/^mana_stt_gpu_leased_mib\{owner="mana-tts",device="GPU-[^"]+"\} 6000$/m);
    expect(text).toContain('mana_stt_gpu_leases{owner="mana-tts",state="in_use"} 1');
    expect(text).not.toContain('mana_stt_gpu_problem{');
  });
});
