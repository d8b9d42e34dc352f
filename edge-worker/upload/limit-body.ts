import { MAX_FORM_BYTES, uploadTooLarge } from '#edge-worker/upload/limits.ts';

/** A request's body that ends with a fault at its limit. */
export interface LimitedBody {
  readonly stream: ReadableStream<Uint8Array> | null;
  /** The limit was passed: whatever the reader did or answered afterwards is a consequence. */
  isTooLarge(): boolean;
  /**
   * Aborted when the limit is passed. workerd ends a request whose body fails as if it were whole, so the request
   * itself has to be broken off.
   */
  readonly signal: AbortSignal;
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
  const stop = new AbortController();
  const { signal } = stop;
  if (body === null || /^\d+$/.test(contentLength ?? '')) {
    return { stream: body, isTooLarge: () => false, signal };
  }
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        const fault = uploadTooLarge(maxFileBytes);
        stop.abort(fault);
        throw fault;
      }
      controller.enqueue(chunk);
    },
  });
  return { stream: body.pipeThrough(counter), isTooLarge: () => bytes > maxBytes, signal };
}
