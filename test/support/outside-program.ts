/** Programs that not every machine has: tests that need one are skipped, and say so. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export type ProgramRun = SpawnSyncReturns<string>;

/** Its path, or null, with a line that says how to get it. */
export function findProgram(name: string, howToGet: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const path = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (path === undefined) console.info(`skipped: ${name} is not in PATH (${howToGet})`);
  return path ?? null;
}

export function runProgram(program: string, args: readonly string[], input?: string): ProgramRun {
  return spawnSync(program, [...args], {
    encoding: 'utf8',
    timeout: 60_000,
    ...(input && { input }),
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
