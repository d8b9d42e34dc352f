/** multipart/form-data → all its fields, and the body as it came, to be sent to one backend after another. */
import { BodyWriter, type StoredBody, type StoreOptions } from '#edge-worker/upload/body-store.ts';
import { type FormFacts, FormInspector } from '#edge-worker/upload/form-inspector.ts';
import { SCAN_LIMITS, type UploadLimits } from '#edge-worker/upload/limits.ts';
import { MultipartScanner } from '#edge-worker/upload/multipart-scanner.ts';
import type { FormSource } from '#edge-worker/upload/open-form.ts';
import { readBody } from '#edge-worker/upload/read-body.ts';
import { readBoundary } from '#shared/contracts/form-boundary.ts';

/** A form that was read wholly and can be read again. Whoever got it calls `body.remove`. */
export interface StoredForm {
  readonly facts: FormFacts;
  readonly body: StoredBody;
}

/**
 * Reads a whole form, checks it and keeps its body. On failure nothing is kept.
 * @throws SttException no_file, empty_file, several_files, malformed_body, unsupported_media_type, invalid_fields,
 *   upload_too_large, upload_stalled, client_gone, internal
 */
export async function storeForm(
  source: FormSource,
  limits: UploadLimits,
  options: StoreOptions,
): Promise<StoredForm> {
  const scanner = new MultipartScanner(readBoundary(source.contentType), SCAN_LIMITS);
  const inspector = new FormInspector(limits);
  const writer = new BodyWriter(options);
  try {
    for await (const chunk of readBody(source.body, limits)) {
      for (const event of scanner.push(chunk)) inspector.see(event);
      await writer.write(chunk);
    }
    scanner.end();
    const facts = inspector.finish();
    return { facts, body: await writer.finish() };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}
