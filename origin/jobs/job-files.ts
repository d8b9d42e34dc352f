/**
 * The recordings of jobs: `incoming` for uploads under way, `files/ID` for accepted ones. Both lie in one folder, so
 * that accepting is a rename, and apart from the spool, which a start empties.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeSpoolDir, prepareSpool } from '#origin/spool.ts';
import type { JobRoute } from '#shared/contracts/jobs.ts';
import type { FormField } from '#shared/contracts/transcribe-form.ts';

/** A form on disk. */
export interface FormFiles {
  readonly path: string;
  readonly samplePaths: readonly string[];
  readonly fields: readonly FormField[];
  /** SHA-256 of the recording in hexadecimal digits; null when it is not known yet. */
  readonly digest: string | null;
}

export class JobFiles {
  /** Spool folder for uploads that are to become jobs. */
  readonly incomingDir: string;
  readonly #filesDir: string;

  constructor(folder: string) {
    this.incomingDir = join(folder, 'incoming');
    this.#filesDir = join(folder, 'files');
  }

  /** Makes the folders and removes uploads that never became a job, and files of jobs other than these. */
  async prepare(unfinishedIds: readonly string[]): Promise<void> {
    await prepareSpool(this.incomingDir);
    await makeSpoolDir(this.#filesDir);
    const needed = new Set(unfinishedIds);
    const names = await readdir(this.#filesDir);
    for (const name of names.filter((id) => !needed.has(id))) await this.remove(name);
  }

  /**
   * Moves the files of a form to where the job's live; when this returns they are on the disk for good.
   * @returns their size in bytes
   */
  async adopt(id: string, form: FormFiles): Promise<number> {
    const folder = join(this.#filesDir, id);
    await mkdir(folder, { mode: 0o700 });
    const moves = [
      [form.path, this.recordingPath(id)] as const,
      ...form.samplePaths.map((path, index) => [path, join(folder, sampleName(index))] as const),
    ];
    for (const [from, to] of moves) await rename(from, to);
    // All at once, and after the moves: a file system with a journal writes it once for all of them.
    const sizes = await Promise.all(moves.map(([, to]) => flush(to)));
    await Promise.all([flush(folder), flush(this.#filesDir)]);
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  recordingPath(id: string): string {
    return join(this.#filesDir, id, 'recording');
  }

  samplePaths(id: string, count: number): string[] {
    return Array.from({ length: count }, (_, index) => join(this.#filesDir, id, sampleName(index)));
  }

  /** Removes a job's files; that there are none is fine. */
  async remove(id: string): Promise<void> {
    await rm(join(this.#filesDir, id), { recursive: true, force: true });
  }
}

/** SHA-256 of a form, in hexadecimal digits: equal for equal fields, files and route, whatever the boundary. */
export async function digestForm(form: FormFiles & { readonly route?: JobRoute }): Promise<string> {
  const { path, samplePaths, fields, route = 'whisper' } = form;
  const digests = [form.digest ?? (await digestFile(path))];
  for (const sample of samplePaths) digests.push(await digestFile(sample));
  const text = JSON.stringify({
    digests,
    fields: fields.map(({ name, value }) => [name, value]),
    // As it was before there were others.
    ...(route !== 'whisper' && { route }),
  });
  return createHash('sha256').update(text).digest('hex');
}

function sampleName(index: number): string {
  return `sample-${index}`;
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Makes sure that a file or folder is on the disk; gives its size in bytes. */
async function flush(path: string): Promise<number> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
