/** The engine's models on the ledger, in a small memory: who goes for whom, and that the memory is really free then. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GpuLease, GpuStatus } from '#shared/contracts/gpu-leases.ts';
import { fakeNvidiaSmi, GPU_A } from '#test/support/fake-nvidia-smi.ts';
import {
  isAlive,
  type LogLine,
  ROOT,
  type RunningOrigin,
  startOrigin,
} from '#test/support/running-origin.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { post, recording, transcribe } from '#test/support/transcribe-request.ts';
import { copyWhisper } from '#test/support/whisper-copy.ts';

const KEY = 'internal-key-of-this-test-0123456789';
const CLIP = 'formats/clip.mp3';
/** Room for the service with `base` or with `second`, not with both. */
const RAM_MIB = 1500;

function startSmall(settings: Readonly<Record<string, string>>, dataDir?: string) {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'mana-stt-e2e-'));
  copyWhisper(folder, 'second', { ballastBytes: 400e6 });
  copyWhisper(folder, 'vast', { ballastBytes: 1e9 });
  return startOrigin(
    {
      ...{ GPU_LEDGER: 'ram', GPU_RESERVE_MIB: '0', TEST_RAM_MIB: String(RAM_MIB) },
      ...{ INTERNAL_API_KEY: KEY, REQUIRE_AUTH: 'false', ...settings },
    },
    {
      dataDir: folder,
      command: [
        process.execPath,
        ...['--import', join(ROOT, 'test/support/small-ram.ts'), 'origin/main.ts'],
      ],
    },
  );
}

function call(origin: RunningOrigin, method: string, path: string, body?: object) {
  return fetch(`${origin.url}${path}`, {
    method,
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function leasesOf(origin: RunningOrigin): Promise<GpuLease[]> {
  const response = await call(origin, 'GET', '/v1/gpu');
  return GpuStatus.parse(await response.json()).leases;
}

async function modelsOf(origin: RunningOrigin): Promise<string[]> {
  return (await leasesOf(origin)).map(({ model }) => model);
}

const isUnload = ({ msg }: LogLine) => msg === 'unloaded a model';

describe("the engine's models in a memory that holds one of them", () => {
  let origin: RunningOrigin;
  beforeAll(async () => {
    origin = await startSmall({ VRAM_IDLE_TIMEOUT: '-1' });
  });
  afterAll(() => origin.stop());

  it('are leased while they are loaded, and measured', async () => {
    expect(await leasesOf(origin)).toEqual([]);
    await transcribe(origin, CLIP);
    const leases = await leasesOf(origin);
    expect(leases.map(({ model }) => model)).toEqual(['base', 'segmentation']);
    const pid = await origin.enginePid();
    const engine = { owner: 'mana-stt', device: 'ram', pid, in_use: false, loaded: true };
    expect(leases).toMatchObject([engine, engine]);
    const measuredMib = leases.reduce((sum, { measured_mib: mib }) => sum + (mib ?? 0), 0);
    const { engineRssMib } = await rssOf(origin);
    expect(measuredMib).toBeGreaterThanOrEqual(engineRssMib - 2);
  });

  it('go for one another: one after the other is loaded', async () => {
    const first = await origin.enginePid();
    const from = origin.log.length;
    await transcribe(origin, CLIP, { model: 'second' });
    expect(isAlive(first)).toBe(false);
    expect(await modelsOf(origin)).toEqual(['second', 'segmentation']);
    expect(await origin.logLine(isUnload, from)).toMatchObject({ owner: 'mana-stt' });
    await transcribe(origin, CLIP, { model: 'base' });
    expect(await modelsOf(origin)).toEqual(['base', 'segmentation']);
    expect(await origin.metric('mana_stt_engine_restarts_total')).toBe(0);
  });

  it('both serve requests that come at the same time', async () => {
    const asked = ['second', 'base', 'second', 'base'].map((model) =>
      transcribe(origin, CLIP, { model }),
    );
    const texts = (await Promise.all(asked)).map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
  });

  it('refuse what never fits, with its size and when to come back', async () => {
    const refused = await post(origin, await recording(CLIP), { fields: { model: 'vast' } });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
    const body = { code: 'no_memory_for_model', status: 503 };
    const detail = expect.stringMatching(/"vast" does not fit .* needs 2\d\d\d MiB, 1500 MiB can/);
    expect(await refused.json()).toMatchObject({ ...body, detail });
    await transcribe(origin, CLIP);
  });

  it('go for another service that asks over HTTP, and come back when it has gone', async () => {
    await transcribe(origin, CLIP);
    const before = await origin.enginePid();
    const demand = { owner: 'mana-tts', model: 'f5', mib: 1350, wait: 30 };
    const granted = await call(origin, 'POST', '/v1/gpu/leases', demand);
    expect(granted.status).toBe(201);
    const { id } = GpuLease.parse(await granted.json());
    expect(isAlive(before)).toBe(false);
    const evictions = await origin.metric('mana_stt_gpu_evictions_total{owner="mana-stt"}');
    expect(evictions).toBeGreaterThanOrEqual(1);
    expect(await origin.metric('mana_stt_gpu_leases{owner="mana-tts",state="in_use"}')).toBe(1);
    expect(await origin.health()).toMatchObject({ status: 'healthy', engine_state: 'idle' });
    const waiting = transcribe(origin, CLIP);
    await expect.poll(async () => (await gpuStatus(origin)).waiting).toHaveLength(1);
    expect(await modelsOf(origin)).toEqual(['f5']);
    await call(origin, 'DELETE', `/v1/gpu/leases/${id}`);
    await waiting;
    expect(await modelsOf(origin)).toEqual(['base', 'segmentation']);
  });
});

async function gpuStatus(origin: RunningOrigin): Promise<GpuStatus> {
  return GpuStatus.parse(await (await call(origin, 'GET', '/v1/gpu')).json());
}

async function rssOf(origin: RunningOrigin): Promise<{ engineRssMib: number }> {
  const bytes = await origin.metric('mana_stt_memory_bytes{part="engine"}');
  return { engineRssMib: bytes / (1024 * 1024) };
}

describe('an idle engine', () => {
  it('is gone after its time, with its memory and its leases; the next request loads again', async () => {
    const origin = await startSmall({ VRAM_IDLE_TIMEOUT: '1' });
    try {
      await transcribe(origin, CLIP);
      const pid = await origin.enginePid();
      const loaded = await gpuStatus(origin);
      const ended = await origin.logLine(({ msg }) => String(msg).includes('it was idle'));
      expect(isAlive(pid)).toBe(false);
      const empty = await gpuStatus(origin);
      expect(empty).toMatchObject({ leases: [], unreturned: [] });
      const freedMib = usedMib(loaded) - usedMib(empty);
      const rssMib = Number(ended['rssBytes']) / (1024 * 1024);
      expect(freedMib).toBeGreaterThan(rssMib / 2);
      const loads = await origin.metric('mana_stt_model_load_duration_seconds_sum');
      await transcribe(origin, CLIP);
      const again = (await origin.metric('mana_stt_model_load_duration_seconds_sum')) - loads;
      console.info(`RSS ${rssMib.toFixed(0)} MiB gone; loaded again in ${again.toFixed(2)} s`);
    } finally {
      await origin.stop();
    }
  });
});

function usedMib({ devices }: GpuStatus): number {
  return devices[0]?.used_mib ?? Number.NaN;
}

describe('a service that is killed', () => {
  it('leaves no engine behind, and no lease of it at the next start', async () => {
    const killed = await startSmall({});
    await transcribe(killed, CLIP);
    const pid = await killed.enginePid();
    expect(await modelsOf(killed)).toContain('base');
    killed.process.kill('SIGKILL');
    await killed.exited;
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    const next = await startSmall({}, killed.dataDir);
    try {
      expect(await leasesOf(next)).toEqual([]);
      await transcribe(next, CLIP);
      expect(await modelsOf(next)).toEqual(['base', 'segmentation']);
    } finally {
      await next.stop();
    }
  });
});

describe("an engine beside the ledger of a GPU that it can't use", () => {
  const makeDir = useTempDirs();

  it('leases nothing for models that run on the CPU, or had to go there', async () => {
    const smi = fakeNvidiaSmi(makeDir());
    const settings = { GPU_LEDGER: 'gpu', NVIDIA_SMI: smi.command, INTERNAL_API_KEY: KEY };
    const origin = await startOrigin({
      ...settings,
      REQUIRE_AUTH: 'false',
      VRAM_IDLE_TIMEOUT: '0',
    });
    const insertCard = async (totalMib: number) => {
      smi.gpus([{ index: 0, uuid: GPU_A, totalMib, usedMib: 0 }]);
      const seen = async () => (await gpuStatus(origin)).devices[0]?.total_mib;
      await expect.poll(seen, { timeout: 10_000 }).toBe(totalMib);
    };
    const loadedOn = (from: number) =>
      origin.logLine(({ msg }) => msg === 'model loaded', from).then((line) => line['device']);
    try {
      await transcribe(origin, CLIP);
      expect(await leasesOf(origin)).toEqual([]);
      await origin.logLine(({ msg }) => String(msg).includes('it was idle'));
      copyWhisper(origin.dataDir, 'base', { target: 'cuda-f16' });
      await insertCard(1500);
      const refused = await post(origin, await recording(CLIP));
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({ code: 'no_memory_for_model' });
      await insertCard(24_000);
      const from = origin.log.length;
      await transcribe(origin, CLIP);
      expect(await loadedOn(from)).toBe('cpu');
      expect(await leasesOf(origin)).toEqual([]);
    } finally {
      await origin.stop();
    }
  });
});
