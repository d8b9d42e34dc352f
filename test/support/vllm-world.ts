/** The stand-in for vLLM, started by the real supervisor as a child process, and what a test asks of it. */

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import { findVoxtralModel } from '#origin/voxtral/models.ts';
import type {
  ServerAddress,
  VoxtralServer,
  VoxtralState,
  VoxtralStatus,
} from '#origin/voxtral/server.ts';
import { VllmSupervisor } from '#origin/voxtral/supervisor.ts';
import type { SupervisorOptions } from '#origin/voxtral/supervisor-options.ts';
import type { VllmLaunch } from '#origin/voxtral/voxtral-settings.ts';
import { ok, type Result } from '#shared/result.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { MODES_VARIABLE, type Modes } from '#test/support/vllm-stand-in/modes.ts';
import type { SeenRequest } from '#test/support/vllm-stand-in/server.ts';

export const STAND_IN = join(import.meta.dirname, 'vllm-stand-in/main.ts');

export interface VllmWorld {
  readonly vllm: VllmSupervisor;
  readonly baseUrl: string;
  readonly runFile: string;
  readonly log: readonly LogEntry[];
  /** Every state so far, each change once. */
  readonly states: readonly VoxtralState[];
  /** Fulfils when a status fits, now or later. */
  until(fits: (status: VoxtralStatus) => boolean): Promise<VoxtralStatus>;
  requests(): Promise<readonly SeenRequest[]>;
  /** Fulfils when so many transcriptions have begun. */
  begun(count: number): Promise<void>;
  setModes(modes: Partial<Modes>): Promise<void>;
}

export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: object;
}

export interface WorldOptions extends Partial<Omit<SupervisorOptions, 'launch' | 'log'>> {
  readonly launch?: Partial<VllmLaunch>;
  readonly modes?: Partial<Modes>;
  /** Default: what the stand-in says of its memory; 0 without a process. */
  readonly readUsedMib?: () => Promise<number | null>;
}

/** Gives a function that makes worlds, which are taken down after the test. */
export function useVllm(): (options?: WorldOptions) => Promise<VllmWorld> {
  const tempDir = useTempDirs();
  const made: VllmSupervisor[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((vllm) => vllm.stop()));
  });
  return async (options = {}) => {
    const world = await makeWorld(options, tempDir);
    made.push(world.vllm);
    return world;
  };
}

async function makeWorld(
  { launch, modes, ...options }: WorldOptions,
  tempDir: () => string,
): Promise<VllmWorld> {
  const port = launch?.port ?? (await freePort());
  const baseUrl = `http://127.0.0.1:${port}`;
  const runFile = options.runFile ?? join(tempDir(), 'vllm-run.json');
  const { log, entries } = recordingLog();
  const states: VoxtralState[] = [];
  const watchers = new Set<(status: VoxtralStatus) => void>();
  const vllm = new VllmSupervisor({
    model: findVoxtralModel('3B')!,
    environment: { ...process.env, [MODES_VARIABLE]: JSON.stringify(modes ?? {}) },
    stopGraceMs: 5000,
    restart: { firstDelayMs: 1 },
    readUsedMib: () => readMemory(baseUrl),
    ...options,
    runFile,
    log,
    launch: { ...STAND_IN_LAUNCH, port, ...launch },
    onState: (status) => {
      if (states.at(-1) !== status.state) states.push(status.state);
      for (const watch of watchers) watch(status);
    },
  });
  return {
    vllm,
    baseUrl,
    runFile,
    log: entries,
    states,
    until: (fits) => untilStatus(vllm, watchers, fits),
    requests: async () =>
      (await (await fetch(`${baseUrl}/stand-in/requests`)).json()) as SeenRequest[],
    begun: async (count) => void (await fetch(`${baseUrl}/stand-in/begun?count=${count}`)),
    setModes: async (next) =>
      void (await fetch(`${baseUrl}/stand-in/modes`, {
        method: 'POST',
        body: JSON.stringify(next),
      })),
  };
}

/** One use that asks the server for its version. */
export function ask(
  vllm: VoxtralServer,
  maxWaitMs = 60_000,
  signal: AbortSignal = new AbortController().signal,
) {
  const work = async ({ baseUrl }: ServerAddress): Promise<Result<string, VoxtralFailure>> => {
    const response = await fetch(`${baseUrl}/version`);
    return ok(((await response.json()) as { version: string }).version);
  };
  return vllm.use(work, { signal, maxWaitMs });
}

/** What `ask` gives when all is well. */
export const ANSWER = { ok: true, value: '0.24.0-stand-in' };

export const STAND_IN_LAUNCH: Omit<VllmLaunch, 'port'> = {
  command: [process.execPath, STAND_IN],
  extraArgs: [],
  gpuMemoryUtilization: 0.62,
  wsl: null,
  startTimeoutSeconds: 60,
  idleTimeoutSeconds: -1,
  idleAction: 'sleep-1',
};

async function untilStatus(
  vllm: VllmSupervisor,
  watchers: Set<(status: VoxtralStatus) => void>,
  fits: (status: VoxtralStatus) => boolean,
): Promise<VoxtralStatus> {
  const now = vllm.status();
  if (fits(now)) return now;
  const { promise, resolve } = Promise.withResolvers<VoxtralStatus>();
  const watch = (status: VoxtralStatus) => {
    if (fits(status)) resolve(status);
  };
  watchers.add(watch);
  const status = await promise;
  watchers.delete(watch);
  return status;
}

async function readMemory(baseUrl: string): Promise<number> {
  try {
    const response = await fetch(`${baseUrl}/stand-in/memory`);
    return ((await response.json()) as { usedMib: number }).usedMib;
  } catch {
    return 0;
  }
}

export function recordingLog() {
  const entries: LogEntry[] = [];
  const write = (level: LogEntry['level']) => (fields: object, message: string) =>
    void entries.push({ level, message, fields });
  return { entries, log: { info: write('info'), warn: write('warn'), error: write('error') } };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether a process with this number runs. One that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
