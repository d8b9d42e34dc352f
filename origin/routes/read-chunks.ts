import type { Readable } from 'node:stream';
import { Interrupt } from '#origin/routes/interrupt.ts';
import { SttException } from '#shared/errors.ts';

export interface ReadLimits {
  readonly maxBodyBytes: number;
  /** What the caller is told about the size. */
  readonly maxFileBytes: number;
  readonly idleTimeoutSeconds: number;
}

/**
 * Yields a request's body chunk by chunk. Stopping early leaves the connection open, so that an answer still
 * reaches the client; the server then reads on for a moment and closes.
 * @throws SttException upload_too_large, upload_stalled, client_gone
 */
export async function* readChunks(
  body: Readable,
  limits: ReadLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stall = new Interrupt();
  const limitSeconds = limits.idleTimeoutSeconds;
  const timer = setTimeout(() => {
    stall.trigger(new SttException({ kind: 'upload_stalled', limitSeconds }));
  }, limitSeconds * 1000);
  const chunks = body.iterator({ destroyOnReturn: false });
  let isPending = false;
  let bytes = 0;
  try {
    while (true) {
      isPending = true;
      const next = await stall.wait(nextChunk(chunks));
      isPending = false;
      if (next === null) {
        return;
      }
      timer.refresh();
      bytes += next.length;
      if (bytes > limits.maxBodyBytes) {
        throw new SttException({ kind: 'upload_too_large', limitBytes: limits.maxFileBytes });
      }
      yield next;
    }
  } finally {
    clearTimeout(timer);
    // With a read under way `return` would wait for it, and a stalled client may never send again.
    if (!isPending) {
      await chunks.return?.();
    }
  }
}

/** Null at the end. A body that breaks off under way means that the client has gone. */
async function nextChunk(chunks: AsyncIterator<unknown>): Promise<Uint8Array | null> {
  try {
    const { done, value } = await chunks.next();
    if (done === true) {
      return null;
    }
    if (value instanceof Uint8Array) {
      return value;
    }
  } catch (cause) {
    throw new SttException({ kind: 'client_gone' }, { cause });
  }
  throw new TypeError('a body gives bytes, not strings');
}
