/**
 * The recordings of jobs: `incoming` for uploads under way, `files/ID` for accepted ones. Both lie in one folder, so
 * that accepting is a rename, and apart from the spool, which a start empties.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
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
   * Moves the files of a form to where the job's live. They are there for every process, and after `flush` for good.
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
    return this.sizeOf(id, form.samplePaths.length);
  }

  /** Brings a job's files onto the disk for good. Files that are gone by now belong to a job that has ended. */
  async flush(id: string, sampleCount: number): Promise<void> {
    // All at once: a file system with a journal writes it once for all of them.
    const paths = [...this.#paths(id, sampleCount), join(this.#filesDir, id), this.#filesDir];
    await Promise.all(paths.map(flushIfThere));
  }

  /** Bytes of a job's files; 0 for one that is not there. */
  async sizeOf(id: string, sampleCount: number): Promise<number> {
    const found = await Promise.all(
      this.#paths(id, sampleCount).map((path) => stat(path).catch(() => null)),
    );
    return found.reduce((sum, file) => sum + (file?.size ?? 0), 0);
  }

  #paths(id: string, sampleCount: number): string[] {
    return [this.recordingPath(id), ...this.samplePaths(id, sampleCount)];
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

/** Makes sure that a file or folder is on the disk, if there is one. */
async function flushIfThere(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
