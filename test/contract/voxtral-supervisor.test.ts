/** The supervisor of vLLM and a stand-in that it starts as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import { signalRun } from '#origin/voxtral/run-processes.ts';
import type { ServerAddress, VoxtralServer } from '#origin/voxtral/server.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { HeldClock } from '#test/support/held-clock.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { freePort, isRunning, useVllm } from '#test/support/vllm-world.ts';

const makeVllm = useVllm();
const tempDir = useTempDirs();
const children: ChildProcess[] = [];
/** As in the sources. */
const HEALTH_TIMEOUT_MS = 5000;
const SECOND_LOOK_MS = 2000;

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** One use that asks the server for its version. */
function ask(vllm: VoxtralServer, maxWaitMs = 60_000, signal = new AbortController().signal) {
  const work = async ({ baseUrl }: ServerAddress): Promise<Result<string, VoxtralFailure>> => {
    const response = await fetch(`${baseUrl}/version`);
    return ok(((await response.json()) as { version: string }).version);
  };
  return vllm.use(work, { signal, maxWaitMs });
}

const ANSWER = { ok: true, value: '0.24.0-stand-in' };

describe('VllmSupervisor: starting', () => {
  it('starts vllm with the first use and keeps it for the next', async () => {
    const { vllm, states } = await makeVllm();
    expect(await ask(vllm)).toEqual(ANSWER);
    const { pid } = vllm.status();
    expect(await ask(vllm)).toEqual(ANSWER);
    expect(vllm.status()).toMatchObject({ state: 'ready', pid, crashes: 0 });
    expect(states).toEqual(['starting', 'ready']);
  });

  it('starts one process for uses that come together', async () => {
    const { vllm, log } = await makeVllm();
    await Promise.all([ask(vllm), ask(vllm), ask(vllm)]);
    expect(log.filter(({ message }) => message === 'starting vllm')).toHaveLength(1);
  });

  it('reads from the log how far the start has come', async () => {
    const { vllm, until } = await makeVllm({ modes: { start: 'wait' } });
    const answer = ask(vllm);
    const { pid, progress } = await until((status) => status.progress?.share === 0.5);
    expect(progress).toEqual({ stage: 'loading', share: 0.5 });
    process.kill(pid!, 'SIGUSR2');
    expect(await answer).toEqual(ANSWER);
  });

  it('lets nobody wait longer than he wants', async () => {
    const clock = new HeldClock(4321);
    const { vllm } = await makeVllm({ modes: { start: 'wait' }, clock });
    const answer = ask(vllm, 4321);
    await clock.fire(4321);
    expect(await answer).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', state: 'starting' },
    });
  });

  it('lets a caller go who has left', async () => {
    const { vllm, until } = await makeVllm({ modes: { start: 'wait' } });
    const caller = new AbortController();
    const answer = ask(vllm, 60_000, caller.signal);
    await until((status) => status.state === 'starting');
    caller.abort();
    expect(await answer).toEqual({ ok: false, error: { kind: 'aborted' } });
  });

  it('tells why a start failed, and does not try again at once', async () => {
    const { vllm, log } = await makeVllm({
      modes: { start: 'out_of_memory' },
      restart: { firstDelayMs: 60_000 },
    });
    const failure = {
      ok: false,
      error: { kind: 'unavailable', state: 'failed', retryAfterSeconds: 60 },
    };
    expect(await ask(vllm)).toEqual(failure);
    expect(vllm.status().reason).toContain('VLLM_GPU_MEMORY_UTILIZATION');
    expect(await ask(vllm)).toEqual(failure);
    expect(log.filter(({ message }) => message === 'starting vllm')).toHaveLength(1);
  });

  it('tries a failed start again when somebody asks after the wait', async () => {
    const { vllm, log } = await makeVllm({
      modes: { start: 'crash' },
      restart: { firstDelayMs: 0 },
    });
    await ask(vllm);
    await ask(vllm);
    expect(log.filter(({ message }) => message === 'starting vllm')).toHaveLength(2);
  });

  it('says what to do when the program is not there', async () => {
    const { vllm } = await makeVllm({ launch: { command: ['/no/such/vllm'] } });
    expect(await ask(vllm)).toMatchObject({ ok: false, error: { state: 'failed' } });
    expect(vllm.status().reason).toContain('VLLM_COMMAND');
  });

  it('fails over arguments that vllm does not know', async () => {
    const { vllm } = await makeVllm({ launch: { extraArgs: ['--no-such-flag'] } });
    expect(await ask(vllm)).toMatchObject({ ok: false, error: { state: 'failed' } });
  });

  it('never takes a stranger on its port for its own', async () => {
    const stranger = createServer((_, response) => response.end('{}'));
    const port = await freePort();
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    const { vllm } = await makeVllm({ launch: { port } });
    expect(await ask(vllm)).toMatchObject({ ok: false, error: { state: 'failed' } });
    expect(vllm.status().reason).toContain('VLLM_PORT');
    await new Promise((resolve) => stranger.close(resolve));
  });

  it('ends a start that writes nothing for too long', async () => {
    const { vllm } = await makeVllm({
      modes: { start: 'silent' },
      launch: { startTimeoutSeconds: 0.2 },
    });
    expect(await ask(vllm)).toMatchObject({ ok: false, error: { state: 'failed' } });
    expect(vllm.status().reason).toContain('wrote nothing');
  });
});

describe('VllmSupervisor: losses', () => {
  it('starts vllm again after a crash, and waits for it', async () => {
    const { vllm, until } = await makeVllm();
    await ask(vllm);
    const { pid } = vllm.status();
    process.kill(pid!, 'SIGKILL');
    await until((status) => status.state === 'restarting');
    expect(await ask(vllm)).toEqual(ANSWER);
    expect(vllm.status()).toMatchObject({ state: 'ready', crashes: 1 });
    expect(vllm.status().pid).not.toBe(pid);
  });

  it('ends the children of a crashed vllm before it starts the next', async () => {
    const { vllm, runFile, until } = await makeVllm({ modes: { hasEngine: true } });
    await ask(vllm);
    const { runId } = JSON.parse(readFileSync(runFile, 'utf8')) as { runId: string };
    const before = await signalRun(runId, 'list', { wsl: null });
    expect(before).toHaveLength(2);
    process.kill(vllm.status().pid!, 'SIGKILL');
    await until((status) => status.state === 'restarting');
    expect(await signalRun(runId, 'list', { wsl: null })).toEqual([]);
  });

  it('gives up after too many losses in a row', async () => {
    const { vllm, until } = await makeVllm({
      restart: { firstDelayMs: 1, maxQuickCrashes: 2, coolDownMs: 60_000 },
    });
    await ask(vllm);
    process.kill(vllm.status().pid!, 'SIGKILL');
    await until((status) => status.state === 'ready' && status.crashes === 1);
    process.kill(vllm.status().pid!, 'SIGKILL');
    await until((status) => status.state === 'failed');
    expect(await ask(vllm)).toMatchObject({ ok: false, error: { state: 'failed' } });
    expect(await vllm.isAvailable()).toBe(false);
  });

  it('ends a vllm that fails and does not answer for its health', async () => {
    const clock = new HeldClock(HEALTH_TIMEOUT_MS);
    const { vllm, setModes, until } = await makeVllm({ clock });
    await ask(vllm);
    await setModes({ isDeaf: true });
    const work = async () => fail({ kind: 'stalled', limitMs: 1 } as const);
    const use = vllm.use(work, { signal: new AbortController().signal, maxWaitMs: 60_000 });
    await clock.fire(HEALTH_TIMEOUT_MS);
    await use;
    expect((await until((status) => status.crashes === 1)).reason).toContain('did not answer');
  });

  it('believes a server that says it is well, but not for ever', async () => {
    const { vllm, until } = await makeVllm();
    const work = async () => fail({ kind: 'timeout', limitMs: 1 } as const);
    const signal = new AbortController().signal;
    await vllm.use(work, { signal, maxWaitMs: 60_000 });
    await vllm.use(work, { signal, maxWaitMs: 60_000 });
    expect(vllm.status()).toMatchObject({ state: 'ready', crashes: 0 });
    await vllm.use(work, { signal, maxWaitMs: 60_000 });
    await until((status) => status.crashes === 1);
  });
});

describe('VllmSupervisor: giving memory back', () => {
  it.each(['sleep-1', 'sleep-2'] as const)(
    'sleeps by %s, gives the memory back and wakes for the next use',
    async (idleAction) => {
      const { vllm, until, states, log } = await makeVllm({
        launch: { idleAction, idleTimeoutSeconds: 0 },
      });
      await ask(vllm);
      const { pid } = vllm.status();
      await until((status) => status.state === 'asleep');
      expect(log.find(({ message }) => message === 'vllm sleeps')?.fields).toMatchObject({
        usedMibBefore: 14_000,
        usedMibAfter: 700,
      });
      expect(await ask(vllm)).toEqual(ANSWER);
      expect(vllm.status().pid).toBe(pid);
      expect(states.slice(0, 6)).toEqual([
        'starting',
        'ready',
        'resting',
        'asleep',
        'waking',
        'ready',
      ]);
    },
  );

  it('ends the process when its memory does not come back', async () => {
    const clock = new HeldClock(SECOND_LOOK_MS);
    const { vllm, log } = await makeVllm({ modes: { sleep: 'leak' }, clock });
    await ask(vllm);
    const { pid } = vllm.status();
    const released = vllm.release({ graceMs: 0 });
    await clock.fire(SECOND_LOOK_MS);
    await released;
    expect(vllm.status()).toMatchObject({ state: 'off', crashes: 0 });
    expect(isRunning(pid!)).toBe(false);
    expect(log.findLast(({ level }) => level === 'warn')).toMatchObject({
      message: 'vllm slept without giving its memory back, so it was ended',
      fields: { usedMibBefore: 14_000, usedMibAfter: 0 },
    });
  });

  it('ends the process when it does not fall asleep', async () => {
    const { vllm, until } = await makeVllm({
      modes: { sleep: 'fail' },
      launch: { idleTimeoutSeconds: 0 },
    });
    await ask(vllm);
    await until((status) => status.state === 'off');
    expect(await ask(vllm)).toEqual(ANSWER);
  });

  it('believes sleep where nobody can read the memory', async () => {
    const { vllm, until } = await makeVllm({
      launch: { idleTimeoutSeconds: 0 },
      readUsedMib: async () => null,
    });
    await ask(vllm);
    expect(await until((status) => status.state === 'asleep')).toMatchObject({ crashes: 0 });
  });

  it('starts anew when it does not wake up', async () => {
    const { vllm, until } = await makeVllm({
      modes: { wake: 'fail' },
      launch: { idleTimeoutSeconds: 0 },
    });
    await ask(vllm);
    const { pid } = vllm.status();
    await until((status) => status.state === 'asleep');
    expect(await ask(vllm)).toEqual(ANSWER);
    expect(isRunning(pid!)).toBe(false);
  });

  it('ends it instead where that is asked for, and offers no routes for sleep', async () => {
    const { vllm, until, baseUrl } = await makeVllm({
      launch: { idleAction: 'stop', idleTimeoutSeconds: 0 },
    });
    const status = await vllm.use(async () => ok((await fetch(`${baseUrl}/is_sleeping`)).status), {
      signal: new AbortController().signal,
      maxWaitMs: 60_000,
    });
    expect(status).toEqual({ ok: true, value: 404 });
    await until(({ state }) => state === 'off');
    expect(await ask(vllm)).toEqual(ANSWER);
  });

  it('never rests as long as somebody uses it', async () => {
    const { vllm, states } = await makeVllm({ launch: { idleTimeoutSeconds: 0 } });
    const signal = new AbortController().signal;
    const result = await vllm.use(
      async () => {
        await ask(vllm);
        return ok(vllm.status().state);
      },
      { signal, maxWaitMs: 60_000 },
    );
    expect(result).toEqual({ ok: true, value: 'ready' });
    expect(states).toEqual(['starting', 'ready']);
  });

  it('finishes running uses before it is released, and lets later ones wait', async () => {
    const { vllm, states, until } = await makeVllm();
    const running = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const options = { signal: new AbortController().signal, maxWaitMs: 60_000 };
    const first = vllm.use(async () => {
      begun.resolve();
      await running.promise;
      return ok(vllm.status().state);
    }, options);
    await begun.promise;
    const released = vllm.release({ graceMs: 60_000 });
    await until(({ state }) => state === 'draining');
    const second = ask(vllm);
    running.resolve();
    expect(await first).toEqual({ ok: true, value: 'draining' });
    await released;
    expect(await second).toEqual(ANSWER);
    expect(states).toEqual([
      'starting',
      'ready',
      'draining',
      'resting',
      'asleep',
      'waking',
      'ready',
    ]);
  });

  it('waits for running uses only so long', async () => {
    const clock = new HeldClock(777);
    const { vllm } = await makeVllm({ clock });
    const running = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const options = { signal: new AbortController().signal, maxWaitMs: 60_000 };
    const use = vllm.use(async () => {
      begun.resolve();
      await running.promise;
      return ok('late');
    }, options);
    await begun.promise;
    const released = vllm.release({ graceMs: 777 });
    await clock.fire(777);
    await released;
    expect(vllm.status().state).toBe('asleep');
    running.resolve();
    await use;
  });
});

describe('VllmSupervisor: ending', () => {
  it('ends vllm and its children with the service, and leaves no note', async () => {
    const { vllm, runFile } = await makeVllm({ modes: { hasEngine: true } });
    await ask(vllm);
    const { runId } = JSON.parse(readFileSync(runFile, 'utf8')) as { runId: string };
    await vllm.stop();
    expect(await signalRun(runId, 'list', { wsl: null })).toEqual([]);
    expect(existsSync(runFile)).toBe(false);
    expect(await ask(vllm)).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', state: 'stopped' },
    });
  });

  it('kills a vllm that does not heed the request to end', async () => {
    const { vllm } = await makeVllm({ modes: { isStubborn: true }, stopGraceMs: 50 });
    await ask(vllm);
    const { pid } = vllm.status();
    await vllm.stop();
    expect(isRunning(pid!)).toBe(false);
  });

  it('can be stopped while it starts', async () => {
    const { vllm, until } = await makeVllm({ modes: { start: 'wait' } });
    const answer = ask(vllm);
    const { pid } = await until((status) => status.progress !== null);
    await vllm.stop();
    expect(await answer).toMatchObject({ ok: false, error: { state: 'stopped' } });
    expect(isRunning(pid!)).toBe(false);
  });

  it('ends what a killed service left behind, children included, and starts its own', async () => {
    const port = await freePort();
    const runFile = join(tempDir(), 'vllm-run.json');
    const first = await startService({ port, runFile });
    const { runId } = JSON.parse(readFileSync(runFile, 'utf8')) as { runId: string };
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(await signalRun(runId, 'list', { wsl: null })).toHaveLength(2);
    const { vllm, log } = await makeVllm({ launch: { port }, runFile });
    await vllm.cleanUp();
    expect(await signalRun(runId, 'list', { wsl: null })).toEqual([]);
    expect(log.find(({ level }) => level === 'warn')?.message).toContain('earlier run');
    expect(await ask(vllm)).toEqual(ANSWER);
  });

  it('touches nobody for a note that makes no sense', async () => {
    const runFile = join(tempDir(), 'vllm-run.json');
    writeFileSync(runFile, JSON.stringify({ runId: '; kill -9 -1', wsl: null }));
    const { vllm, log } = await makeVllm({ runFile });
    await vllm.cleanUp();
    expect(log).toEqual([]);
    expect(existsSync(runFile)).toBe(false);
  });
});

/** A process that runs the supervisor as the service does; fulfils when vllm is up. */
async function startService({ port, runFile }: { port: number; runFile: string }) {
  const entry = join(import.meta.dirname, '../support/vllm-owner.ts');
  const child = spawn(process.execPath, [entry, String(port), runFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return { child };
}
