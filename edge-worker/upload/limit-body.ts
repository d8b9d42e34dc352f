import { MAX_FORM_BYTES, uploadTooLarge } from '#edge-worker/upload/limits.ts';

/** A request's body that ends with a fault at its limit. */
export interface LimitedBody {
  readonly stream: ReadableStream<Uint8Array> | null;
  /** The limit was passed: whatever happened to the reader afterwards is a consequence. */
  isTooLarge(): boolean;
}

/**
 * Bounds a body that is passed on unread.
 * @param contentLength as sent; where it is there, the runtime itself never lets more through, and the body goes on
 *   untouched, outside of JavaScript
 * @throws SttException upload_too_large when the length says so already
 */
export function limitBody(
  body: ReadableStream<Uint8Array> | null,
  contentLength: string | undefined,
  maxFileBytes: number,
): LimitedBody {
  const maxBytes = maxFileBytes + MAX_FORM_BYTES;
  if (Number(contentLength ?? 0) > maxBytes) throw uploadTooLarge(maxFileBytes);
  if (body === null || /^\d+$/.test(contentLength ?? '')) {
    return { stream: body, isTooLarge: () => false };
  }
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw uploadTooLarge(maxFileBytes);
      controller.enqueue(chunk);
    },
  });
  return { stream: body.pipeThrough(counter), isTooLarge: () => bytes > maxBytes };
}
