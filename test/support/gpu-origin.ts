/** A real origin whose GPUs are those of a fake nvidia-smi. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOriginApp } from '#origin/app.ts';
import type { Clock } from '#origin/engine/clock.ts';
import { startServer } from '#origin/server.ts';
import { openVram, type Vram } from '#origin/vram/open-vram.ts';
import { type FakeNvidiaSmi, fakeNvidiaSmi } from '#test/support/fake-nvidia-smi.ts';
import { startTestOrigin } from '#test/support/origin-server.ts';

export const INTERNAL_KEY = 'internal-key-of-this-test-0123456789';
export const APP_KEY = 'app-key-of-this-test-0123456789abcdef';

export interface GpuOrigin<C extends Clock> {
  readonly url: string;
  readonly smi: FakeNvidiaSmi;
  readonly clock: C;
  readonly vram: Vram;
  /** Takes down the service alone: its data stays for the next one. */
  stop(): Promise<void>;
}

export interface GpuOriginOptions<C extends Clock> {
  /** Maybe of an earlier origin, whose leases are to be found. */
  readonly dataDir: string;
  /** Of the ledger; `now` is milliseconds since 1970. */
  readonly clock: C;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startGpuOrigin<C extends Clock>(
  options: GpuOriginOptions<C>,
): Promise<GpuOrigin<C>> {
  const { dataDir, clock, environment } = options;
  const smiDir = mkdtempSync(join(tmpdir(), 'mana-stt-smi-'));
  const smi = fakeNvidiaSmi(smiDir);
  const origin = await startTestOrigin({
    ...{ INTERNAL_API_KEY: INTERNAL_KEY, API_KEYS: `${APP_KEY}:app`, NVIDIA_SMI: smi.command },
    ...environment,
  });
  const { config, logger } = origin.dependencies;
  const vram = await openVram({ config: { ...config, dataDir }, logger, clock, fetch });
  // Jobs are the first server's to close.
  const { jobs: _jobs, ...rest } = origin.dependencies;
  const deps = { ...rest, vram };
  const server = await startServer(createOriginApp(deps), deps);
  return {
    ...{ smi, clock, vram },
    url: `http://127.0.0.1:${server.port}`,
    stop: async () => {
      await server.drain();
      await origin.stop();
      rmSync(smiDir, { recursive: true, force: true });
    },
  };
}
