/** A multipart form as a stream around the stream of its file, which is passed on as it comes and never held. */

export interface FilePart {
  readonly stream: ReadableStream<Uint8Array>;
  readonly name: string;
  /** Its media type; anything odd becomes `application/octet-stream`. */
  readonly type: string;
  /** Exact size, where it is known: then the length of the whole body is, too. */
  readonly sizeBytes?: number;
}

export interface MultipartBody {
  readonly body: ReadableStream<Uint8Array>;
  readonly contentType: string;
  /** Bytes of `body`; null when the file's size is not known. */
  readonly contentLength: number | null;
  /** Why the file could not be sent; null as long as nothing is wrong with it. */
  fileFault(): FileStreamError | null;
  /** Lets go of the file, sent or not. */
  abandon(): void;
}

/** The stream of the file broke, or held another number of bytes than it was said to. */
export class FileStreamError extends Error {
  override readonly name = 'FileStreamError';
}

/**
 * Takes a chunk of the file only when the reader of the body wants one. Cancelling the body cancels the file.
 *
 * @param boundary - must not occur in the file: take a random one.
 */
export function createMultipartBody(
  fields: readonly (readonly [name: string, value: string])[],
  file: FilePart,
  boundary: string,
): MultipartBody {
  const encoder = new TextEncoder();
  const head = encoder.encode(writeHead(fields, file, boundary));
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`);
  const source = openFile(file);
  return {
    body: surround(head, source, tail),
    contentType: `multipart/form-data; boundary=${boundary}`,
    contentLength:
      file.sizeBytes === undefined ? null : head.byteLength + file.sizeBytes + tail.byteLength,
    fileFault: source.fault,
    abandon: source.cancel,
  };
}

/** Fields first: a server may then look at them before the file is there. */
function writeHead(
  fields: readonly (readonly [name: string, value: string])[],
  { name, type }: FilePart,
  boundary: string,
): string {
  const open = `--${boundary}\r\nContent-Disposition: form-data; name=`;
  const parts = fields.map(([key, value]) => `${open}"${escapeName(key)}"\r\n\r\n${value}\r\n`);
  const mediaType = MEDIA_TYPE.test(type) ? type : 'application/octet-stream';
  return `${parts.join('')}${open}"file"; filename="${escapeName(name)}"\r\nContent-Type: ${mediaType}\r\n\r\n`;
}

const MEDIA_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,64}(; ?codecs=[\w.,+-]{1,64})?$/;

/** As browsers do it: HTML standard, multipart/form-data encoding algorithm. */
function escapeName(name: string): string {
  return name
    .slice(0, MAX_NAME_LENGTH)
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A')
    .replaceAll('"', '%22');
}

const MAX_NAME_LENGTH = 255;

interface FileSource {
  /** @returns null at the end. @throws FileStreamError */
  read(): Promise<Uint8Array | null>;
  fault(): FileStreamError | null;
  cancel(): void;
}

function openFile({ stream, sizeBytes }: FilePart): FileSource {
  const reader = stream.getReader();
  let fault: FileStreamError | null = null;
  let readTotal = 0;
  // A source that fails to be cancelled has nothing more to say to anybody.
  const cancel = () => void reader.cancel().catch(() => {});

  function giveUp(message: string, cause?: unknown): FileStreamError {
    fault = new FileStreamError(message, { cause });
    cancel();
    return fault;
  }

  async function readChunk(): Promise<Uint8Array | null> {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return null;
      if (value.byteLength > 0) return value;
    }
  }

  return {
    async read() {
      const chunk = await readChunk().catch((cause: unknown) => {
        throw giveUp('The recording broke off', cause);
      });
      readTotal += chunk?.byteLength ?? 0;
      const isWrong =
        chunk === null ? readTotal !== sizeBytes : readTotal > (sizeBytes ?? Infinity);
      if (sizeBytes !== undefined && isWrong) {
        throw giveUp(`The recording does not have ${sizeBytes} bytes`);
      }
      return chunk;
    },
    fault: () => fault,
    cancel,
  };
}

function surround(
  head: Uint8Array,
  source: FileSource,
  tail: Uint8Array,
): ReadableStream<Uint8Array> {
  let isHeadSent = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = isHeadSent ? await source.read() : head;
        isHeadSent = true;
        controller.enqueue(chunk ?? tail);
        if (chunk === null) controller.close();
      },
      cancel: source.cancel,
    },
    { highWaterMark: 0 },
  );
}
