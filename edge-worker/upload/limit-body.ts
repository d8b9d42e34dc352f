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
  const count = { bytes: 0 };
  const { readable, writable } = new IdentityTransformStream();
  const over = () => count.bytes > maxBytes;
  copyCounting(
    body,
    writable,
    () => {
      if (!over()) return;
      const fault = uploadTooLarge(maxFileBytes);
      stop.abort(fault);
      throw fault;
    },
    count,
  ).catch(() => {});
  return { stream: readable, isTooLarge: over, signal };
}

/** One buffer goes round, and waits until it was taken: chunks of their own would pile up until they are collected. */
async function copyCounting(
  from: ReadableStream<Uint8Array>,
  to: WritableStream<Uint8Array>,
  check: () => void,
  count: { bytes: number },
): Promise<void> {
  const reader = from.getReader({ mode: 'byob' });
  const writer = to.getWriter();
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  try {
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) break;
      count.bytes += value.length;
      check();
      await writer.write(value);
      buffer = value.buffer;
    }
    await writer.close();
  } catch (error) {
    await Promise.allSettled([reader.cancel(error), writer.abort(error)]);
    throw error;
  }
}

const BUFFER_BYTES = 64 * 1024;
