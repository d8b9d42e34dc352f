/**
 * A body that goes on while it comes and is kept at the same time, so that it can be sent again when the line to the
 * origin was cut. Small ones are kept in memory, larger ones in R2 if there is a bucket; why: docs/decisions/0014-edge-and-jobs.md.
 */
import {
  BodyWriter,
  PART_BYTES,
  type StoredBody,
  type StoreOptions,
} from '#edge-worker/upload/body-store.ts';
import { MAX_FORM_BYTES, type UploadLimits, uploadTooLarge } from '#edge-worker/upload/limits.ts';
import { readBody } from '#edge-worker/upload/read-body.ts';
import type { RepeatableBody } from '#edge-worker/upload/repeatable-body.ts';
import { SttException } from '#shared/errors.ts';

export interface BodySource {
  readonly body: ReadableStream<Uint8Array> | null;
  readonly contentType: string;
  /** As the request says it; anything but a number counts as unknown. */
  readonly contentLength: string | undefined;
}

export interface KeepOptions extends StoreOptions {
  readonly limits: UploadLimits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Whoever made it calls `remove` when no one will send it any more. */
export class KeptBody implements RepeatableBody {
  readonly contentType: string;
  readonly #source: ReadableStream<Uint8Array> | null;
  readonly #options: KeepOptions;
  readonly #writer: BodyWriter;
  #sizeBytes: number | null;
  #live: LiveReader | null = null;
  /** Set by the first `open`; never rejects. Null: the body could not be kept. */
  #stored: Promise<StoredBody | null> | null = null;
  #fault: Error | null = null;
  #isKept: boolean;
  #isRemoved = false;

  /** @throws SttException upload_too_large when the length says so already */
  constructor(source: BodySource, options: KeepOptions) {
    const { maxFileBytes } = options.limits;
    this.contentType = source.contentType;
    this.#source = source.body;
    this.#options = options;
    this.#writer = new BodyWriter(options);
    this.#sizeBytes = readLength(source.contentLength);
    const { bucket, partBytes = PART_BYTES } = options;
    this.#isKept = bucket !== null || (this.#sizeBytes ?? 0) <= partBytes;
    if ((this.#sizeBytes ?? 0) > maxFileBytes + MAX_FORM_BYTES) throw uploadTooLarge(maxFileBytes);
  }

  get sizeBytes(): number | null {
    return this.#sizeBytes;
  }

  fault(): Error | null {
    return this.#fault;
  }

  canRepeat(): boolean {
    return this.#isKept || this.#stored === null;
  }

  waitingSinceMs(): number | null {
    return this.#live?.waitingSinceMs ?? null;
  }

  async open(): Promise<ReadableStream<Uint8Array>> {
    if (this.#stored === null) {
      const live = new LiveReader(this.#sizeBytes, this.#options.now);
      this.#live = live;
      this.#stored = this.#take();
      return live.readable;
    }
    // Whoever read it before has given up; the client goes on sending.
    this.#live?.cutOff();
    this.#live = null;
    const stored = await this.#stored;
    if (this.#fault !== null) throw this.#fault;
    if (stored === null) {
      throw new SttException(
        { kind: 'storage_full' },
        { cause: new Error('the body was not kept') },
      );
    }
    return stored.open();
  }

  /** Never fails. */
  async remove(): Promise<void> {
    this.#live?.cutOff();
    this.#live = null;
    this.#isRemoved = true;
    const stored = await this.#stored;
    await stored?.remove();
  }

  async #take(): Promise<StoredBody | null> {
    try {
      for await (const chunk of readBody(this.#source, this.#options.limits)) {
        if (this.#isRemoved) break;
        const going = this.#live?.write(chunk);
        this.#isKept = this.#isKept && (await this.#keep(chunk));
        await going;
        if (!this.#isKept && this.#live === null) break;
      }
      const stored = this.#isKept && !this.#isRemoved ? await this.#writer.finish() : null;
      this.#sizeBytes = stored?.sizeBytes ?? this.#sizeBytes;
      await this.#live?.close();
      return stored;
    } catch (error) {
      this.#fault = error instanceof Error ? error : new Error(String(error));
      this.#live?.cutOff();
      await this.#writer.abandon();
      return null;
    }
  }

  /** @returns false when it can be kept no longer: then it goes on all the same, once */
  async #keep(chunk: Uint8Array): Promise<boolean> {
    try {
      await this.#writer.write(chunk);
      return true;
    } catch {
      await this.#writer.abandon();
      return false;
    }
  }
}

/** The stream that the first reader gets. */
class LiveReader {
  readonly readable: ReadableStream<Uint8Array>;
  /** Since when bytes, or the end, lie before the reader. */
  waitingSinceMs: number | null = null;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #now: () => number;
  #isCut = false;

  constructor(sizeBytes: number | null, now: () => number) {
    // With a known length the origin gets a Content-Length.
    const { readable, writable } =
      sizeBytes === null ? new IdentityTransformStream() : new FixedLengthStream(sizeBytes);
    this.readable = readable;
    this.#writer = writable.getWriter();
    this.#now = now;
    this.#writer.closed.catch(() => {});
  }

  /** Resolves when the chunk was taken, or nobody reads any more. */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#offer(() => this.#writer.write(chunk));
    this.waitingSinceMs = null;
  }

  async close(): Promise<void> {
    await this.#offer(() => this.#writer.close());
    // From here on an answer is waited for.
    this.waitingSinceMs = this.#now();
  }

  /** The request that reads must be broken off as well: workerd ends one whose body fails as if it were whole. */
  cutOff(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    void this.#writer.abort(new Error('the upload is read elsewhere')).catch(() => {});
  }

  async #offer(send: () => Promise<void>): Promise<void> {
    if (this.#isCut) return;
    this.waitingSinceMs = this.#now();
    try {
      await send();
    } catch {
      this.#isCut = true;
    }
  }
}

function readLength(contentLength: string | undefined): number | null {
  return contentLength !== undefined && /^\d{1,15}$/.test(contentLength)
    ? Number(contentLength)
    : null;
}
