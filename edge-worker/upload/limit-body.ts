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
  const count = new ByteCount(maxBytes, () => {
    const fault = uploadTooLarge(maxFileBytes);
    stop.abort(fault);
    return fault;
  });
  return { stream: count.through(body), isTooLarge: () => count.isOver(), signal };
}

class ByteCount {
  readonly #maxBytes: number;
  readonly #onOver: () => Error;
  #bytes = 0;

  constructor(maxBytes: number, onOver: () => Error) {
    this.#maxBytes = maxBytes;
    this.#onOver = onOver;
  }

  isOver(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  through(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = openByteReader(body);
    if (reader === null) return body.pipeThrough(this.#counter());
    const { readable, writable } = new IdentityTransformStream();
    // Its faults reach the stream that is read.
    void this.#copy(reader, writable.getWriter());
    return readable;
  }

  /** One buffer goes round, and waits until it was taken: chunks of their own pile up until they are collected. */
  async #copy(
    reader: ReadableStreamBYOBReader,
    writer: WritableStreamDefaultWriter<Uint8Array>,
  ): Promise<void> {
    let buffer = new ArrayBuffer(BUFFER_BYTES);
    try {
      for (;;) {
        const { done, value } = await reader.readAtLeast(BUFFER_BYTES, new Uint8Array(buffer));
        if (done) break;
        this.#add(value.length);
        await writer.write(value);
        buffer = value.buffer;
      }
      await writer.close();
    } catch (error) {
      await Promise.allSettled([reader.cancel(error), writer.abort(error)]);
    }
  }

  #counter(): TransformStream<Uint8Array, Uint8Array> {
    return new TransformStream({
      transform: (chunk, controller) => {
        this.#add(chunk.length);
        controller.enqueue(chunk);
      },
    });
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    if (this.isOver()) throw this.#onOver();
  }
}

/** Filled before it goes on: smaller pieces leave several times the garbage. */
const BUFFER_BYTES = 64 * 1024;

/** Null for a stream that was made in JavaScript of chunks; what comes over the network is one of bytes. */
function openByteReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}
