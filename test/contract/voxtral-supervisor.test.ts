/** The supervisor of vLLM and a stand-in that it starts as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { signalRun } from '#origin/voxtral/run-processes.ts';
import { fail } from '#shared/result.ts';
import { HeldClock } from '#test/support/held-clock.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { ANSWER, ask, freePort, isRunning, useVllm } from '#test/support/vllm-world.ts';

const makeVllm = useVllm();
const tempDir = useTempDirs();
const children: ChildProcess[] = [];
/** As in the sources. */
const HEALTH_TIMEOUT_MS = 5000;

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

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

  it('lives on when the system refuses the process', async () => {
    const { vllm } = await makeVllm({ launch: { command: ['/etc/passwd/vllm'] } });
    expect(await ask(vllm)).toMatchObject({ ok: false, error: { state: 'failed' } });
    expect(vllm.status().reason).toContain('ENOTDIR');
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

  it('leaves a vllm alone that is its own', async () => {
    const { vllm, log, runFile } = await makeVllm();
    const uses = [ask(vllm), vllm.cleanUp(), ask(vllm), vllm.cleanUp()];
    await Promise.all(uses);
    await vllm.cleanUp();
    expect(log.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(existsSync(runFile)).toBe(true);
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
