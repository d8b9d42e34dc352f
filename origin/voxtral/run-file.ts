/**
 * What is left on disk of a running vLLM, so that a service that was killed finds and ends it at its next start. Written
 * before the process is made, since nobody can say when the service is killed.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { type RunPlace, type RunProcess, signalRun } from '#origin/voxtral/run-processes.ts';

const RunFile = z.object({
  runId: z.string().regex(/^[0-9a-f]{32}$/),
  wsl: z.object({ distribution: z.string().max(100).nullable() }).nullable(),
  /** For the person who looks. */
  startedAt: z.string().max(40),
  model: z.string().max(200),
});

export type RunFile = z.infer<typeof RunFile>;

export async function writeRunFile(path: string, run: RunFile): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, `${JSON.stringify(run)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

export async function removeRunFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Waits; tests have their own. */
export type Pause = (ms: number) => Promise<void>;

/**
 * Ends every process of the run that the file names, and removes the file. A file that makes no sense is removed.
 * @returns those that had to be ended
 */
export async function endLeftovers(path: string, pause: Pause): Promise<readonly RunProcess[]> {
  const run = await readRunFile(path);
  const found =
    run === null ? [] : await endRun(run.runId, run, { graceMs: LEFTOVER_GRACE_MS, pause });
  await removeRunFile(path);
  return found;
}

/** Asks all processes of a run to end, and kills those that do not within the grace. */
export async function endRun(
  runId: string,
  place: RunPlace,
  { graceMs, pause }: { readonly graceMs: number; readonly pause: Pause },
): Promise<readonly RunProcess[]> {
  const found = await signalRun(runId, graceMs > 0 ? 'TERM' : 'KILL', place);
  if (found.length === 0 || graceMs <= 0) return found;
  for (let waitedMs = 0; waitedMs < graceMs; waitedMs += STEP_MS) {
    await pause(STEP_MS);
    if ((await signalRun(runId, 'list', place)).length === 0) return found;
  }
  await signalRun(runId, 'KILL', place);
  return found;
}

const LEFTOVER_GRACE_MS = 5000;
const STEP_MS = 200;

async function readRunFile(path: string): Promise<RunFile | null> {
  try {
    return RunFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}
