/**
 * multipart/form-data → its file as a stream, read only as fast as that stream is. For a backend that gets the file
 * once, in a form of its own; what must be sent again is kept by `store-form.ts`.
 */

import { type FormFacts, FormInspector } from '#edge-worker/upload/form-inspector.ts';
import { SCAN_LIMITS, type UploadLimits } from '#edge-worker/upload/limits.ts';
import { MultipartScanner } from '#edge-worker/upload/multipart-scanner.ts';
import type { PartHead } from '#edge-worker/upload/part-head.ts';
import { readBody } from '#edge-worker/upload/read-body.ts';
import { readBoundary } from '#shared/contracts/form-boundary.ts';
import type { FormField } from '#shared/contracts/transcribe-form.ts';

/** A form's body and what its request says about it. */
export interface FormSource {
  readonly body: ReadableStream<Uint8Array> | null;
  readonly contentType: string | null | undefined;
}

/** A form that was read up to its file. */
export interface OpenedForm {
  readonly fieldsBefore: readonly FormField[];
  readonly file: PartHead;
  /**
   * The file's bytes. It closes only after the rest of the form was read and found good, so a form with a fault
   * behind its file fails here. Whoever sends it on writes its last boundary only after that: workerd ends a request
   * whose body fails as if it were whole. Cancelling it gives the body up.
   */
  readonly content: ReadableStream<Uint8Array>;
  /** Everything, once `content` has been read. Rejects with what `content` fails with. */
  readonly complete: Promise<FormFacts>;
}

/**
 * Reads a form up to its file.
 * @throws SttException no_file, several_files, malformed_body, unsupported_media_type, invalid_fields,
 *   upload_too_large, upload_stalled, client_gone
 */
export async function openForm(source: FormSource, limits: UploadLimits): Promise<OpenedForm> {
  const inspector = new FormInspector(limits);
  const steps = inspect(source, limits, inspector);
  for (;;) {
    const { done, value } = await steps.next();
    if (done) {
      inspector.finish();
      throw new TypeError('a form with a file has an event for it');
    }
    if (value.kind === 'file') {
      const fieldsBefore = [...inspector.fields];
      return { fieldsBefore, file: value.head, ...streamFile(steps, inspector) };
    }
  }
}

type Step =
  | { readonly kind: 'file'; readonly head: PartHead }
  | { readonly kind: 'content'; readonly bytes: Uint8Array };

/** What concerns the file, in order; the rest goes to the inspector alone. */
async function* inspect(
  source: FormSource,
  limits: UploadLimits,
  inspector: FormInspector,
): AsyncGenerator<Step, void, undefined> {
  const scanner = new MultipartScanner(readBoundary(source.contentType), SCAN_LIMITS);
  for await (const chunk of readBody(source.body, limits)) {
    for (const event of scanner.push(chunk)) {
      inspector.see(event);
      if (!inspector.isInFile) continue;
      if (event.kind === 'part') yield { kind: 'file', head: event.head };
      // A copy: it may be used after the next chunk has been read.
      if (event.kind === 'data') yield { kind: 'content', bytes: event.bytes.slice() };
    }
  }
  scanner.end();
}

function streamFile(
  steps: AsyncGenerator<Step, void, undefined>,
  inspector: FormInspector,
): Pick<OpenedForm, 'content' | 'complete'> {
  const { promise: complete, resolve, reject } = Promise.withResolvers<FormFacts>();
  // Whoever only reads the content learns of a fault there.
  complete.catch(() => {});
  const content = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await steps.next();
          if (done) {
            resolve(inspector.finish());
            controller.close();
          } else if (value.kind === 'content') {
            controller.enqueue(value.bytes);
          }
        } catch (error) {
          reject(error);
          throw error;
        }
      },
      async cancel(reason) {
        reject(reason);
        await steps.return();
      },
    },
    { highWaterMark: 0 },
  );
  return { content, complete };
}
