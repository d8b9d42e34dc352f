/** Hashes of files on disk, read piece by piece. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

import type { Digest } from '#models/hub.ts';

const PIECE_BYTES = 4 * 1024 * 1024;

/** SHA-256 of a file's bytes, in hex. */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  return (await hashFile(path, createHash('sha256'), signal)).digest('hex');
}

/** Whether the file's content has this digest. */
export async function matchesDigest(
  path: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  if (digest.algorithm === 'sha256') return (await sha256Of(path, signal)) === digest.hex;
  // Git hashes a blob with its type and length in front.
  const hash = createHash('sha1').update(`blob ${(await stat(path)).size}\0`);
  return (await hashFile(path, hash, signal)).digest('hex') === digest.hex;
}

async function hashFile<Hash extends { update(data: Buffer): unknown }>(
  path: string,
  hash: Hash,
  signal: AbortSignal | undefined,
): Promise<Hash> {
  const stream = createReadStream(path, { highWaterMark: PIECE_BYTES, ...(signal && { signal }) });
  for await (const piece of stream) hash.update(piece);
  return hash;
}
