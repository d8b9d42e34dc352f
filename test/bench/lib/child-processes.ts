/** Every process that a bench starts, in a group of its own, so that none outlives the bench. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

const running = new Set<ChildProcess>();
const STOP_GRACE_MS = 10_000;

/** Starts a program as the leader of a new process group that is ended with the bench. */
export function startChild(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  running.add(child);
  child.once('exit', () => {
    killGroup(child); // what the leader left behind
    running.delete(child);
  });
  return child;
}

/** Asks the program to end, then ends its whole group. Resolves when the leader is gone. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => killGroup(child), STOP_GRACE_MS);
  await gone;
  clearTimeout(timer);
}

/** Call once at start: ends every group when the bench ends, for whatever reason. */
export function endChildrenWithBench(): void {
  process.once('exit', () => {
    for (const child of running) killGroup(child);
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
}

/** Rejects when the program ends or cannot be started; never resolves. */
export function failure(child: ChildProcess, name: string): Promise<never> {
  return new Promise((_, reject) => {
    child.once('error', (error) =>
      reject(new Error(`${name} cannot be started: ${error.message}`)),
    );
    child.once('exit', (code, signal) =>
      reject(new Error(`${name} ended early (exit code ${code}, signal ${signal})`)),
    );
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is already gone.
  }
}
