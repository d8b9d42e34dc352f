/** The probes on the real machine. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { FileOwner, Probes, ProgramResult } from '#origin/cli/checks/probes.ts';

const PROGRAM_TIMEOUT_MS = 20_000;
const GET_TIMEOUT_MS = 3000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

export function systemProbes(environment: Readonly<Record<string, string | undefined>>): Probes {
  return {
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.versions.node,
    environment,
    run: (program, args) => runProgram(program, args, environment),
    readText: (path) => orNull(() => readFileSync(path, 'utf8')),
    exists: existsSync,
    memory: readMemory,
    freeDiskBytes,
    tryToWrite,
    tryToListen,
    getJson,
    userId: process.getuid?.() ?? null,
    owner,
    compareClocks,
  };
}

function runProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ProgramResult | null> {
  const options = {
    env: environment,
    timeout: PROGRAM_TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    windowsHide: true,
  };
  return new Promise((resolve) => {
    execFile(program, [...args], options, (error, stdout, stderr) => {
      // `code` is a number for an exit status, a text such as ENOENT where nothing ran, null after a signal.
      const code = error === null ? 0 : (error.code ?? 1);
      resolve(typeof code === 'number' ? { exitCode: code, stdout, stderr } : null);
    });
  });
}

/** A container may have less than the machine. */
function readMemory(): { totalBytes: number; availableBytes: number } {
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < totalmem();
  return isLimited
    ? { totalBytes: limit, availableBytes: process.availableMemory() }
    : { totalBytes: totalmem(), availableBytes: freemem() };
}

async function freeDiskBytes(path: string): Promise<number | null> {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

async function tryToWrite(folder: string): Promise<string | null> {
  const path = join(folder, `doctor-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, 'doctor\n', { flag: 'wx' });
    return null;
  } catch (error) {
    return codeOf(error);
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}

function tryToListen(host: string, port: number): Promise<string | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(codeOf(error)));
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}

async function getJson(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  try {
    const response = await fetch(url, {
      headers,
      signal: AbortSignal.timeout(GET_TIMEOUT_MS),
      redirect: 'manual',
    });
    return await response.json();
  } catch {
    return null;
  }
}

/** Half of the way there and back is taken off; the header counts whole seconds. */
async function compareClocks(url: string): Promise<{ theirs: number; ours: number } | null> {
  const began = Date.now();
  try {
    const response = await fetch(url, {
      method: 'HEAD',
      signal: AbortSignal.timeout(GET_TIMEOUT_MS),
      redirect: 'manual',
    });
    const theirs = Date.parse(response.headers.get('date') ?? '');
    return Number.isNaN(theirs) ? null : { theirs, ours: (began + Date.now()) / 2 };
  } catch {
    return null;
  }
}

/** Windows has other rights than these. */
function owner(path: string): FileOwner | null {
  if (process.platform === 'win32') return null;
  const status = orNull(() => statSync(path));
  return status === null ? null : { userId: status.uid, permissions: status.mode & 0o777 };
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'UNKNOWN';
}

function orNull<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch {
    return null;
  }
}
