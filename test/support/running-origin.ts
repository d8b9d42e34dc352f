/** The service as it is run: `origin/main.ts` in a process of its own, on a free port, with the embedded model. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { OriginEnvironment } from '#origin/config-schema.ts';
import { HealthResponse } from '#shared/contracts/service.ts';

export const ROOT = join(import.meta.dirname, '../..');

/** One line of the service's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningOrigin {
  readonly url: string;
  readonly port: number;
  /** Where a second start can find what this one left. */
  readonly dataDir: string;
  readonly process: ChildProcess;
  readonly exited: Promise<ProcessEnd>;
  readonly log: readonly LogLine[];
  /**
   * The first line that matches, from `from` on, now or later.
   * @throws Error when the process ends without having written one
   */
  logLine(matches: (line: LogLine) => boolean, from?: number): Promise<LogLine>;
  /** Process id of the engine that came up last. */
  enginePid(): Promise<number>;
  listSpool(): string[];
  health(): Promise<HealthResponse>;
  /** Resolves when the engine has been through a first part of a recording. */
  workedOn(): Promise<void>;
  /** Value of one series as /metrics writes it, labels included; 0 when it is not there. */
  metric(series: string): Promise<number>;
  /**
   * Ends the service as a supervisor does and removes its data.
   * @throws Error when it did not end well, or left files in the spool
   */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Default: a new folder in the system's temporary one. */
  readonly dataDir?: string;
  /** Default: the PATH of the tests. */
  readonly path?: string;
  /** Default: this Node and `origin/main.ts`. */
  readonly command?: readonly [program: string, ...parameters: string[]];
}

/** Starts the service with these settings and waits until GET /health answers. */
export async function startOrigin(
  settings: Readonly<Record<string, string>> = {},
  options: StartOptions = {},
): Promise<RunningOrigin> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'mana-stt-e2e-'));
  const [program, ...parameters] = options.command ?? [process.execPath, 'origin/main.ts'];
  const child = spawn(program, parameters, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...foreignEnvironment(),
      ...(options.path !== undefined && { PATH: options.path }),
      PORT: '0',
      THREADS: '2',
      DATA_DIR: dataDir,
      ...settings,
    },
  });
  const output = watchOutput(child);
  const listening = await output.logLine((line) => line['msg'] === 'listening');
  const origin = describeOrigin(child, { dataDir, output, port: Number(listening['port']) });
  await origin.health();
  return origin;
}

/** The tests' own environment must not decide what is tested. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  const ours = new Set(Object.keys(OriginEnvironment.shape));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.has(name)));
}

interface Output {
  readonly log: LogLine[];
  readonly exited: Promise<ProcessEnd>;
  logLine: RunningOrigin['logLine'];
}

function watchOutput(child: ChildProcess): Output {
  const log: LogLine[] = [];
  const news = new EventEmitter().setMaxListeners(50);
  let end: ProcessEnd | null = null;
  let errors = '';
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  createInterface({ input: child.stdout! }).on('line', (text) => {
    log.push(text.startsWith('{') ? JSON.parse(text) : { msg: text });
    news.emit('change');
  });
  const exited = once(child, 'close').then(([code, signal]): ProcessEnd => {
    process.off('exit', kill);
    end = { code, signal };
    news.emit('change');
    return end;
  });
  const logLine = async (matches: (line: LogLine) => boolean, from = 0): Promise<LogLine> => {
    for (;;) {
      const found = log.slice(from).find(matches);
      if (found !== undefined) return found;
      if (end !== null) throw new Error(`The service ended (${JSON.stringify(end)}): ${errors}`);
      await once(news, 'change');
    }
  };
  return { log, exited, logLine };
}

function describeOrigin(
  child: ChildProcess,
  { dataDir, output, port }: { dataDir: string; output: Output; port: number },
): RunningOrigin {
  const { log, exited, logLine } = output;
  const url = `http://127.0.0.1:${port}`;
  const listSpool = () => readdirSync(join(dataDir, 'spool'));
  const metric = async (series: string) => {
    const page = await (await fetch(`${url}/metrics`)).text();
    const line = page.split('\n').find((text) => text.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  };
  return {
    url,
    port,
    dataDir,
    process: child,
    exited,
    log,
    logLine,
    listSpool,
    enginePid: async () => {
      const isReady = (line: LogLine) => line['msg'] === 'engine process ready';
      await logLine(isReady);
      return Number(log.findLast(isReady)?.['pid']);
    },
    health: async () => HealthResponse.parse(await (await fetch(`${url}/health`)).json()),
    workedOn: async () => {
      while ((await metric('mana_stt_stage_duration_seconds_count{stage="vad"}')) === 0) {
        await delay(50);
      }
    },
    metric,
    stop: async () => {
      child.kill('SIGTERM');
      const end = await exited;
      const left = listSpool();
      rmSync(dataDir, { recursive: true, force: true });
      if (end.code !== 0 || left.length > 0) {
        throw new Error(`It ended with ${JSON.stringify(end)} and left ${left.join(', ')}`);
      }
    },
  };
}

/** Whether a process is there; one that has ended and was waited for is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
