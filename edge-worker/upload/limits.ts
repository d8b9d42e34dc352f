/** Bounds of an upload, the same as the origin's: what passes here passes there. */
import type { ScanLimits } from '#edge-worker/upload/multipart-scanner.ts';
import { MAX_SAMPLES } from '#shared/contracts/form-fields.ts';
import { SttException } from '#shared/errors.ts';

export interface UploadLimits {
  readonly maxFileBytes: number;
  /** Longest time without a byte. */
  readonly idleTimeoutSeconds: number;
}

/** For text fields, heads and boundaries together. */
export const MAX_FORM_BYTES = 1024 * 1024;
export const MAX_FIELDS = 50;
export const MAX_FIELD_BYTES = 64 * 1024;

/** Besides text fields: the file, the samples of speakers, and one too many of each to be told of it. */
export const SCAN_LIMITS: ScanLimits = {
  maxParts: MAX_FIELDS + MAX_SAMPLES + 2,
  maxHeadBytes: 8 * 1024,
};

export function uploadTooLarge(limitBytes: number): SttException {
  return new SttException({ kind: 'upload_too_large', limitBytes });
}
