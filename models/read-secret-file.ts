import { readFileSync, statSync } from 'node:fs';

/**
 * The text of a file that holds a secret. Looks before it reads: a device or a pipe would never end.
 * @throws Error for what is no file or too large, and the system's for what cannot be read
 */
export function readSecretFile(path: string): string {
  const status = statSync(path);
  if (!status.isFile()) throw new Error('this is not a file');
  if (status.size > MAX_BYTES) throw new Error(`the file is larger than ${MAX_BYTES} bytes`);
  return readFileSync(path, 'utf8');
}

const MAX_BYTES = 64 * 1024;
