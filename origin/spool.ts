/** Uploads, and the waveforms decoded from them, live in files of one folder while they are worked on. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A new path in the spool folder. The name holds our process id, so that a later start knows what is left over. */
export function newSpoolPath(spoolDir: string, content: SpoolContent = 'upload'): string {
  return join(spoolDir, `${content}-${process.pid}-${randomUUID()}`);
}

export type SpoolContent = 'upload' | 'waveform';

/** Makes the folder where it is missing; only this user may look into it. */
export async function makeSpoolDir(spoolDir: string): Promise<void> {
  await mkdir(spoolDir, { recursive: true, mode: 0o700 });
}

/** Removes a spool file; one that never came to be is fine. */
export async function removeSpoolFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/**
 * Makes the spool folder and removes what a process that is gone left behind. Other files stay.
 * @returns how many were removed
 */
export async function prepareSpool(spoolDir: string): Promise<number> {
  await makeSpoolDir(spoolDir);
  const names = await readdir(spoolDir);
  const leftovers = names.filter((name) => {
    const owner = SPOOL_NAME.exec(name)?.[1];
    return owner !== undefined && !isOtherProcessAlive(Number(owner));
  });
  await Promise.all(leftovers.map((name) => removeSpoolFile(join(spoolDir, name))));
  return leftovers.length;
}

const SPOOL_NAME = /^(?:upload|waveform)-(\d{1,10})-[0-9a-f-]{36}$/;

/** Our own id in an old name is a container's: every start there is process 1. */
function isOtherProcessAlive(pid: number): boolean {
  if (pid === process.pid) {
    return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
