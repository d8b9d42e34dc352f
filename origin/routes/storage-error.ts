import { SttException } from '#shared/errors.ts';

/** Only a full disk is something a caller can be told; anything else is a fault of the installation. */
export function toStorageError(cause: unknown): SttException {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new SttException({ kind: isFull ? 'storage_full' : 'internal' }, { cause });
}
