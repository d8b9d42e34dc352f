import { MAX_FORM_BYTES, type UploadLimits, uploadTooLarge } from '#edge-worker/upload/limits.ts';
import { SttException } from '#shared/errors.ts';

/**
 * Yields a request's body chunk by chunk. Whoever stops early ends the reading.
 * @throws SttException upload_too_large, upload_stalled, client_gone
 */
export async function* readBody(
  body: ReadableStream<Uint8Array> | null,
  limits: UploadLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  const reader = body.getReader();
  let bytes = 0;
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await readInTime(reader, limits.idleTimeoutSeconds);
      if (done) {
        isOver = true;
        return;
      }
      bytes += value.length;
      if (bytes > limits.maxFileBytes + MAX_FORM_BYTES) throw uploadTooLarge(limits.maxFileBytes);
      yield value;
    }
  } finally {
    // Not waited for: a stalled client may never let it end.
    if (!isOver) void reader.cancel().catch(() => {});
  }
}

type Read = ReadableStreamReadResult<Uint8Array>;

function readInTime(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limitSeconds: number,
): Promise<Read> {
  return new Promise<Read>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new SttException({ kind: 'upload_stalled', limitSeconds }));
    }, limitSeconds * 1000);
    reader
      .read()
      .then(resolve, (cause: unknown) =>
        // A body breaks off under way when its client has gone; a fault of ours was thrown into it on purpose.
        reject(
          cause instanceof SttException
            ? cause
            : new SttException({ kind: 'client_gone' }, { cause }),
        ),
      )
      .finally(() => clearTimeout(timer));
  });
}
