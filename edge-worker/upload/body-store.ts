/**
 * Keeps a body that a second backend may need: in memory while it is small, in R2 from one part's size on. At most one
 * part is held at any time, whatever comes; why it is so: docs/decisions/0011-bodies-at-the-edge.md.
 */
import type { ByteBudget } from '#edge-worker/upload/byte-budget.ts';
import { SttException } from '#shared/errors.ts';

/** A body that can be read as often as needed. Whoever got it calls `remove`. */
export interface StoredBody {
  readonly sizeBytes: number;
  readonly place: 'memory' | 'bucket';
  /** From its beginning; its length is known to the runtime. @throws SttException internal when it is gone */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** Never fails: what is left behind is taken by the bucket's own rule. */
  remove(): Promise<void>;
}

export interface StoreOptions {
  /** Null: what does not fit in memory is not kept. */
  readonly bucket: R2Bucket | null;
  /** Unique; the object's name in the bucket. */
  readonly key: string;
  /** Size of a part and largest body in memory. R2 takes no less than 5 MiB. Default 5 MiB. */
  readonly partBytes?: number;
  /** What is held in memory comes out of it. */
  readonly budget?: ByteBudget;
}

/** Takes one body. Ends with `finish` or `abandon`. */
export class BodyWriter {
  readonly #options: StoreOptions;
  readonly #partBytes: number;
  readonly #parts: R2UploadedPart[] = [];
  #upload: R2MultipartUpload | null = null;
  #buffer = new Uint8Array(0);
  #buffered = 0;
  #sizeBytes = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#partBytes = options.partBytes ?? PART_BYTES;
  }

  /** Copies the bytes; waits while a part goes to the bucket. @throws SttException internal, storage_full */
  async write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      // Only when more comes: a body of exactly one part's size stays in memory.
      if (this.#buffered === this.#partBytes) await this.#sendPart();
      const taken = rest.subarray(0, this.#partBytes - this.#buffered);
      this.#grow(this.#buffered + taken.length);
      this.#buffer.set(taken, this.#buffered);
      this.#buffered += taken.length;
      this.#sizeBytes += taken.length;
      rest = rest.subarray(taken.length);
    }
  }

  /** The whole body was written. @throws SttException internal */
  async finish(): Promise<StoredBody> {
    const { bucket, key } = this.#options;
    if (this.#upload === null || bucket === null) {
      const held = this.#buffer.length;
      const giveBack = () => this.#options.budget?.giveBack(held);
      return memoryBody(this.#buffer.subarray(0, this.#buffered), giveBack);
    }
    await this.#sendPart();
    const upload = this.#upload;
    await orFault(() => upload.complete(this.#parts));
    this.#letGo();
    return bucketBody({ bucket, key }, this.#sizeBytes);
  }

  /** The body will not be finished. Never fails. */
  async abandon(): Promise<void> {
    this.#letGo();
    await this.#upload?.abort().catch(() => {});
  }

  #letGo(): void {
    this.#options.budget?.giveBack(this.#buffer.length);
    this.#buffer = new Uint8Array(0);
  }

  async #sendPart(): Promise<void> {
    const { bucket, key } = this.#options;
    if (bucket === null) throw new SttException({ kind: 'storage_full' });
    this.#upload ??= await orFault(() => bucket.createMultipartUpload(key));
    const upload = this.#upload;
    const bytes = this.#buffer.subarray(0, this.#buffered);
    const part = await orFault(() => sendInPieces(upload, this.#parts.length + 1, bytes));
    this.#parts.push(part);
    this.#buffered = 0;
  }

  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return;
    const wanted = Math.max(needed, this.#buffer.length * 2, FIRST_BUFFER_BYTES);
    const larger = Math.min(this.#partBytes, wanted);
    const { budget } = this.#options;
    if (budget?.take(larger - this.#buffer.length) === false) {
      throw new SttException({ kind: 'storage_full' });
    }
    const grown = new Uint8Array(larger);
    grown.set(this.#buffer.subarray(0, this.#buffered));
    this.#buffer = grown;
  }
}

/** A large value would be copied whole into memory that is only given back when garbage is collected. */
async function sendInPieces(
  upload: R2MultipartUpload,
  number: number,
  bytes: Uint8Array,
): Promise<R2UploadedPart> {
  const { readable, writable } = new FixedLengthStream(bytes.length);
  const sending = upload.uploadPart(number, readable);
  const writer = writable.getWriter();
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await writer.write(bytes.subarray(at, at + PIECE_BYTES));
    }
    await writer.close();
  })();
  const [part] = await Promise.all([sending, writing]);
  return part;
}

const PIECE_BYTES = 64 * 1024;

/** Many recordings are smaller than a part, and memory is shared by all requests of an isolate. */
export const PART_BYTES = 5 * 1024 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;

function memoryBody(bytes: Uint8Array, onRemoved: () => void): StoredBody {
  let kept: Uint8Array | null = bytes;
  return {
    sizeBytes: bytes.length,
    place: 'memory',
    open: async () => {
      const { body } = new Response(kept);
      if (kept === null || body === null) throw gone();
      return body;
    },
    remove: async () => {
      if (kept !== null) onRemoved();
      kept = null;
    },
  };
}

function bucketBody(
  { bucket, key }: { readonly bucket: R2Bucket; readonly key: string },
  sizeBytes: number,
): StoredBody {
  return {
    sizeBytes,
    place: 'bucket',
    open: async () => {
      const object = await orFault(() => bucket.get(key));
      if (object === null) throw gone();
      return object.body;
    },
    remove: async () => {
      await bucket.delete(key).catch(() => {});
    },
  };
}

async function orFault<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    throw new SttException({ kind: 'internal' }, { cause });
  }
}

function gone(): SttException {
  return new SttException({ kind: 'internal' }, { cause: new Error('the stored body is gone') });
}
