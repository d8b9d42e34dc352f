/**
 * One file of the Hub onto the disk. Bytes go to `<file>.part`; a cut transfer goes on where it ended, also in a later
 * process, as long as the server still holds the same content. The name is given only to a file whose hash is right.
 */
import { existsSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { z } from 'zod';

import { matchesDigest } from '#models/digest.ts';
import type { Hub, HubDownload, HubFile, HubLocation } from '#models/hub.ts';
import { ModelError } from '#models/model-error.ts';
import { withRetries } from '#models/retry.ts';

export interface DownloadOptions {
  readonly hub: Hub;
  readonly repository: string;
  readonly revision: string;
  readonly file: HubFile;
  /** Where the finished file goes. */
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of this file that are on the disk. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** What a part was begun from: a later attempt must not mix two contents. */
const PartNote = z.object({ digest: z.string(), etag: z.string().nullable() });
type PartNote = z.infer<typeof PartNote>;

/**
 * Fetches the file, or finds it already there with the right hash.
 * @throws ModelError of any code that `model-error.ts` lists for the network, `disk-full` or `checksum`
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  const { file, path, signal, hub } = options;
  if (await isComplete(options)) return options.onProgress?.(file.bytes);
  await mkdir(dirname(path), { recursive: true });
  try {
    await withRetries((madeProgress) => attempt(options, madeProgress), { ...hub.retry, signal });
  } catch (error) {
    throw diskError(error, path);
  }
  await finish(options);
}

/** Bytes of the file that need not be fetched any more: those of the file itself or of a part. */
export function bytesPresent(path: string, file: HubFile): number {
  for (const candidate of [path, partOf(path)]) {
    if (existsSync(candidate)) return Math.min(statSync(candidate).size, file.bytes);
  }
  return 0;
}

async function isComplete({ path, file, signal }: DownloadOptions): Promise<boolean> {
  if (!existsSync(path) || statSync(path).size !== file.bytes) return false;
  return matchesDigest(path, file.digest, signal);
}

/** One connection: from where the part ends to the end of the file. */
async function attempt(options: DownloadOptions, madeProgress: () => void): Promise<void> {
  const { file, path, hub, repository, revision, signal } = options;
  const part = partOf(path);
  const note = await readNote(part, file);
  const start = note === undefined ? 0 : partBytes(part, file);
  if (start === file.bytes && note !== undefined) return;
  const location: HubLocation = { repository, revision, path: file.path };
  const headers = start > 0 ? rangeHeaders(start, note) : {};
  const download = await hub.openFile(location, { headers, ...(signal && { signal }) });
  try {
    const offset = await startOffset(download, { start, file, host: hub.host, part });
    await writeNote(part, { digest: file.digest.hex, etag: strongTag(download.headers) });
    await writeBody(options, { download, offset, madeProgress });
  } finally {
    await download.close();
  }
}

function rangeHeaders(start: number, note: PartNote | undefined): Record<string, string> {
  const range = { range: `bytes=${start}-` };
  return note?.etag ? { ...range, 'if-range': note.etag } : range;
}

/** Where the bytes that come belong: a server may send the whole file although a rest was asked for. */
async function startOffset(
  { status, headers }: HubDownload,
  asked: {
    readonly start: number;
    readonly file: HubFile;
    readonly host: string;
    readonly part: string;
  },
): Promise<number> {
  const { start, file, host, part } = asked;
  if (status === 416) {
    await discardPart(part);
    throw new ModelError('cut-off', `${host} could not go on with ${file.path}; starting again.`);
  }
  if (status !== 206) return 0;
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  const total = match?.[2];
  const isRight = Number(match?.[1]) === start && (total === '*' || Number(total) === file.bytes);
  if (isRight) return start;
  await discardPart(part);
  throw new ModelError('cut-off', `${host} sent another part of ${file.path} than asked for.`);
}

async function writeBody(
  options: DownloadOptions,
  body: {
    readonly download: HubDownload;
    readonly offset: number;
    readonly madeProgress: () => void;
  },
): Promise<void> {
  const { file, path, hub, onProgress } = options;
  const handle = await openPart(partOf(path), body.offset);
  let position = body.offset;
  try {
    for await (const chunk of body.download.chunks) {
      if (position + chunk.length > file.bytes) throw tooLong(file, hub);
      await writeFully(handle, chunk, position);
      position += chunk.length;
      body.madeProgress();
      onProgress?.(position);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (position < file.bytes) {
    const text = `${hub.host} ended ${file.path} after ${position} of ${file.bytes} bytes.`;
    throw new ModelError('cut-off', text);
  }
}

async function openPart(part: string, offset: number): Promise<FileHandle> {
  if (offset === 0) return open(part, 'w');
  const handle = await open(part, 'r+');
  await handle.truncate(offset);
  return handle;
}

async function writeFully(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

async function finish({ file, path, hub, signal }: DownloadOptions): Promise<void> {
  const part = partOf(path);
  if (await matchesDigest(part, file.digest, signal)) {
    await rename(part, path);
    await rm(noteOf(part), { force: true });
    return;
  }
  await discardPart(part);
  const text = `${file.path} from ${hub.host} is corrupt: its hash is not the one the Hub lists.`;
  throw new ModelError('checksum', `${text} The download was deleted; run the command again.`);
}

function tooLong(file: HubFile, hub: Hub): ModelError {
  const text = `${hub.host} sent more than the ${file.bytes} bytes of ${file.path}.`;
  return new ModelError('bad-answer', text);
}

function diskError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  const text = `The disk of ${dirname(path)} is full; ${basename(path)} is not complete.`;
  const advice = 'Free some space and run the command again: it goes on where it stopped.';
  return new ModelError('disk-full', `${text} ${advice}`, { cause: error });
}

/** Notes of another content, or none that can be read, mean that the part starts anew. */
async function readNote(part: string, file: HubFile): Promise<PartNote | undefined> {
  if (!existsSync(part) || !existsSync(noteOf(part))) return undefined;
  try {
    const note = PartNote.parse(JSON.parse(await readFile(noteOf(part), 'utf8')));
    return note.digest === file.digest.hex ? note : undefined;
  } catch {
    return undefined;
  }
}

async function writeNote(part: string, note: PartNote): Promise<void> {
  await writeFile(noteOf(part), JSON.stringify(note));
}

function partBytes(part: string, file: HubFile): number {
  const { size } = statSync(part);
  return size <= file.bytes ? size : 0;
}

/** `If-Range` takes strong tags only (RFC 9110 §13.1.5). */
function strongTag(headers: Headers): string | null {
  const tag = headers.get('etag');
  return tag?.startsWith('"') ? tag : null;
}

async function discardPart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(noteOf(part), { force: true });
}

function partOf(path: string): string {
  return `${path}.part`;
}

function noteOf(part: string): string {
  return `${part}.json`;
}
