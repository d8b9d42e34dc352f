/** Voxtral from settings to its first answer. */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openVoxtral } from '#origin/voxtral/open-voxtral.ts';
import type { VoxtralServer } from '#origin/voxtral/server.ts';
import { toVoxtralSettings, VoxtralEnvironment } from '#origin/voxtral/voxtral-settings.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import {
  ANSWER,
  ask,
  freePort,
  isRunning,
  recordingLog,
  STAND_IN,
} from '#test/support/vllm-world.ts';

const tempDir = useTempDirs();
const open: VoxtralServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()));
});

/** As the service would do it. */
async function openWith(variables: Record<string, string>, dataDir = tempDir()) {
  const parsed = z.object(VoxtralEnvironment).parse(variables);
  const { log, entries } = recordingLog();
  const settings = toVoxtralSettings(parsed, 'linux');
  const server = await openVoxtral(settings, { dataDir, environment: process.env, log });
  if (server !== null) open.push(server);
  return { server, entries };
}

async function supervised(): Promise<Record<string, string>> {
  return {
    USE_VLLM: 'true',
    VLLM_PORT: String(await freePort()),
    VLLM_COMMAND: `"${process.execPath}" "${STAND_IN}"`,
  };
}

describe('openVoxtral', () => {
  it('gives nothing where Voxtral is off', async () => {
    expect((await openWith({})).server).toBeNull();
  });

  it('starts nothing before the first use', async () => {
    const dataDir = tempDir();
    const { server } = await openWith(await supervised(), dataDir);
    expect(server?.status()).toMatchObject({ state: 'off', pid: null });
    expect(existsSync(`${dataDir}/vllm-run.json`)).toBe(false);
    expect(await ask(server!)).toEqual(ANSWER);
  });

  it.each(['3B', '4B', '24B'])('starts the %s with arguments that vllm takes', async (model) => {
    const { server } = await openWith({ ...(await supervised()), VOXTRAL_MODEL: model });
    expect(await ask(server!)).toEqual(ANSWER);
  });

  it('asks the vllm of somebody else and leaves it alone', async () => {
    const settings = await supervised();
    const own = await openWith(settings);
    await ask(own.server!);
    const VLLM_URL = `http://localhost:${settings['VLLM_PORT']}`;
    const { server } = await openWith({ USE_VLLM: 'true', VLLM_URL });
    expect(await ask(server!)).toEqual(ANSWER);
    await server?.stop();
    expect(own.server?.status().state).toBe('ready');
  });

  it('ends what an earlier run left, also when Voxtral is off by now', async () => {
    const dataDir = tempDir();
    const { server } = await openWith(await supervised(), dataDir);
    await ask(server!);
    const { pid } = server!.status();
    // The supervisor above stands for a service that was killed: it is not asked to stop.
    const { entries } = await openWith({}, dataDir);
    expect(isRunning(pid!)).toBe(false);
    expect(entries).toMatchObject([{ level: 'warn' }]);
  });
});
