import { MAX_FORM_BYTES, type UploadLimits, uploadTooLarge } from '#edge-worker/upload/limits.ts';
import { SttException } from '#shared/errors.ts';

/**
 * Yields a request's body chunk by chunk. A chunk is the reader's only until it asks for the next one: one buffer goes
 * round, because chunks of their own pile up until they are collected. Whoever stops early ends the reading.
 * @throws SttException upload_too_large, upload_stalled, client_gone
 */
export async function* readBody(
  body: ReadableStream<Uint8Array> | null,
  limits: UploadLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  const source = openSource(body);
  let bytes = 0;
  let isOver = false;
  try {
    while (!isOver) {
      const { done, value } = await readInTime(source.read(), limits.idleTimeoutSeconds);
      isOver = done;
      if (value === undefined || value.length === 0) continue;
      bytes += value.length;
      if (bytes > limits.maxFileBytes + MAX_FORM_BYTES) throw uploadTooLarge(limits.maxFileBytes);
      yield value;
      source.giveBack(value);
    }
  } finally {
    // Not waited for: a stalled client may never let it end.
    if (!isOver) void source.cancel().catch(() => {});
  }
}

interface Read {
  readonly done: boolean;
  readonly value: Uint8Array | undefined;
}

interface Source {
  read(): Promise<Read>;
  /** The chunk was used. */
  giveBack(chunk: Uint8Array): void;
  cancel(): Promise<void>;
}

/** What comes over the network is a stream of bytes; one that was made in JavaScript of chunks may not be. */
function openSource(body: ReadableStream<Uint8Array>): Source {
  const reader = openByteReader(body);
  if (reader === null) {
    const plain = body.getReader();
    return {
      read: async () => {
        const { done, value } = await plain.read();
        return { done, value };
      },
      giveBack: () => {},
      cancel: () => plain.cancel(),
    };
  }
  let buffer: ArrayBufferLike = new ArrayBuffer(BUFFER_BYTES);
  return {
    read: async () => {
      const { done, value } = await reader.readAtLeast(LEAST_BYTES, new Uint8Array(buffer));
      return { done, value };
    },
    giveBack: (chunk) => {
      buffer = chunk.buffer;
    },
    cancel: () => reader.cancel(),
  };
}

/** Waited for before it goes on: smaller pieces leave several times the garbage. */
const LEAST_BYTES = 64 * 1024;
const BUFFER_BYTES = 4 * LEAST_BYTES;

function openByteReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}

function readInTime(reading: Promise<Read>, limitSeconds: number): Promise<Read> {
  return new Promise<Read>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new SttException({ kind: 'upload_stalled', limitSeconds }));
    }, limitSeconds * 1000);
    reading
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
