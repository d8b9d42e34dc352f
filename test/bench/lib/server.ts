/** Starts the server under test on a free port and waits until it listens. */

import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { failure, startChild, stopChild } from '#test/bench/lib/child-processes.ts';
import { getText } from '#test/bench/lib/http-client.ts';

export interface RunningServer {
  readonly baseUrl: string;
  readonly pid: number;
  /** From starting the process to the first answer of GET /health. */
  readonly listenSeconds: number;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** File that Node runs, e.g. origin/main.ts. */
  readonly entry: string;
  readonly threads: number;
  /** Environment that the server inherits; PORT and THREADS are set over it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const START_LIMIT_SECONDS = 60;
const POLL_MS = 10;

/** @throws with the end of the server's log where it ends early or does not listen within 60 s. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(os.tmpdir(), 'bench-server-'));
  const logFile = join(folder, 'server.log');
  const log = openSync(logFile, 'w');
  const started = performance.now();
  const child = startChild(process.execPath, [options.entry], {
    stdio: ['ignore', log, log],
    env: { ...options.env, PORT: String(port), THREADS: String(options.threads) },
  });
  const baseUrl = `http://127.0.0.1:${port}`;
  try {
    const ended = failure(child, `node ${options.entry}`);
    ended.catch(() => undefined); // an end after the start shows as a failed request
    await Promise.race([healthy(baseUrl, started), ended]);
  } catch (error) {
    const tail = readFileSync(logFile, 'utf8').slice(-2000);
    await stopChild(child);
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`${error instanceof Error ? error.message : error}\n${tail}`, { cause: error });
  }
  const listenSeconds = (performance.now() - started) / 1000;
  const stop = async () => {
    await stopChild(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return { baseUrl, pid: child.pid!, listenSeconds, stop };
}

async function healthy(baseUrl: string, started: number): Promise<void> {
  while ((await getText(baseUrl, '/health')) === null) {
    if (performance.now() - started > START_LIMIT_SECONDS * 1000) {
      throw new Error(`GET /health did not answer 200 within ${START_LIMIT_SECONDS} s`);
    }
    await delay(POLL_MS);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('the probe for a free port got no address'));
      });
    });
  });
}
