/** vLLM inside WSL, as Windows would start it: `wsl.exe` is a script that starts what it is told in its own session. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { signalRun } from '#origin/voxtral/run-processes.ts';
import { ok } from '#shared/result.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { MODES_VARIABLE } from '#test/support/vllm-stand-in/modes.ts';
import { STAND_IN, useVllm } from '#test/support/vllm-world.ts';

const makeVllm = useVllm();
const tempDir = useTempDirs();
const WSL = { distribution: 'Ubuntu-24.04' };

/** Like the real one it passes neither variables nor signals on, and what it started may outlive it. */
const FAKE_WSL = `#!/bin/sh
[ "$1" = --distribution ] && [ "$2" = Ubuntu-24.04 ] && [ "$3" = --exec ] || exit 64
shift 3
setsid env -i PATH="$PATH" "$@" &
wait $!
`;

beforeEach(() => {
  const dir = tempDir();
  writeFileSync(join(dir, 'wsl.exe'), FAKE_WSL);
  chmodSync(join(dir, 'wsl.exe'), 0o755);
  vi.stubEnv('PATH', `${dir}${delimiter}${process.env['PATH']}`);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('VllmSupervisor with WSL', () => {
  it('starts, sleeps, wakes and ends vllm inside', async () => {
    const modes = `${MODES_VARIABLE}={"hasEngine":true}`;
    const { vllm, runFile } = await makeVllm({
      launch: { wsl: WSL, command: ['env', modes, process.execPath, STAND_IN] },
    });
    const options = { signal: new AbortController().signal, maxWaitMs: 60_000 };
    expect(await vllm.use(async () => ok('up'), options)).toEqual(ok('up'));
    const { runId } = JSON.parse(readFileSync(runFile, 'utf8')) as { runId: string };
    expect(await signalRun(runId, 'list', { wsl: WSL })).toHaveLength(2);
    await vllm.release({ graceMs: 0 });
    expect(vllm.status().state).toBe('asleep');
    expect(await vllm.use(async () => ok('up'), options)).toEqual(ok('up'));
    await vllm.stop();
    expect(await signalRun(runId, 'list', { wsl: null })).toEqual([]);
  });
});
