/**
 * multipart/form-data → the recording and samples of speakers on disk, and the text fields.
 *
 * The body is read as a stream: a chunk goes to the parser, from there to the disk, and only then is the next one
 * read, so memory does not grow with the file. Every limit holds while reading and needs no Content-Length.
 */
import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { Interrupt } from '#origin/routes/interrupt.ts';
import { readChunks } from '#origin/routes/read-chunks.ts';
import { type SamplePart, SpeakerSamples } from '#origin/routes/speaker-samples.ts';
import { toStorageError } from '#origin/routes/storage-error.ts';
import { newSpoolPath, removeSpoolFile } from '#origin/spool.ts';
import { readBoundary } from '#shared/contracts/form-boundary.ts';
import { MAX_SAMPLES } from '#shared/contracts/form-fields.ts';
import { FILE_FIELDS, isFilePart, isSampleField } from '#shared/contracts/form-parts.ts';
import type { FormField } from '#shared/contracts/transcribe-form.ts';
import { SttException } from '#shared/errors.ts';

/** A request's body and what is known about it. */
export interface UploadSource {
  /** Called once, when the body is wanted: a client that sent `Expect: 100-continue` may wait for it. */
  readonly openBody: () => Readable;
  readonly contentType: string | undefined;
  readonly contentLength: string | undefined;
}

export interface UploadLimits {
  readonly spoolDir: string;
  readonly maxFileBytes: number;
  /** Longest time without a byte. */
  readonly idleTimeoutSeconds: number;
  /** The recording's digest is wanted. */
  readonly isDigested?: boolean;
}

/** A received form. Whoever got it removes the files with `remove`. */
export interface Upload {
  readonly path: string;
  readonly fileName?: string;
  readonly sizeBytes: number;
  /** SHA-256 of the recording in hexadecimal digits, taken on the way to the disk; null when nobody asked for it. */
  readonly digest: string | null;
  readonly fields: readonly FormField[];
  /** Absolute paths of the samples of known speakers, in their order. */
  readonly samplePaths: readonly string[];
  remove(): Promise<void>;
}

/**
 * Receives a form with one file, in the field `file` or `audio`, before or after the text fields.
 * On failure nothing stays on disk.
 * @throws SttException no_file, empty_file, several_files, malformed_body, unsupported_media_type,
 *   upload_too_large, upload_stalled, storage_full, client_gone
 */
export async function receiveUpload(source: UploadSource, limits: UploadLimits): Promise<Upload> {
  const path = newSpoolPath(limits.spoolDir);
  const maxBodyBytes = limits.maxFileBytes + MAX_FORM_BYTES;
  if (Number(source.contentLength ?? 0) > maxBodyBytes) {
    throw tooLarge(limits);
  }
  const form = new FormReceiver(createParser(source, limits), { path, limits });
  try {
    for await (const chunk of readChunks(source.openBody(), { ...limits, maxBodyBytes })) {
      await form.write(chunk);
    }
    return await form.finish();
  } catch (error) {
    await form.abandon();
    throw error;
  }
}

/** For text fields, part headers and boundaries together. */
const MAX_FORM_BYTES = 1024 * 1024;
const MAX_FIELDS = 50;
/** Besides text fields: the file, the samples, and one too many of each to be told of it. */
const MAX_FILE_PARTS = MAX_SAMPLES + 2;
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_PART_HEADER_BYTES = 8 * 1024;

function createParser(source: UploadSource, limits: UploadLimits): BusboyInstance {
  // Written anew: the parser finds the boundary that was checked here, and never another one.
  const boundary = readBoundary(source.contentType).replaceAll('\\', '\\\\');
  return new Busboy({
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    isPartAFile: (name, mimeType, fileName) => isFilePart({ name, fileName, mimeType }),
    limits: {
      fileSize: limits.maxFileBytes,
      fields: MAX_FIELDS,
      parts: MAX_FIELDS + MAX_FILE_PARTS,
      fieldSize: MAX_FIELD_BYTES,
      headerSize: MAX_PART_HEADER_BYTES,
    },
  });
}

/** Collects what the parser finds. The first fault counts; everyone who waits is told of it. */
class FormReceiver {
  readonly #parser: BusboyInstance;
  readonly #path: string;
  readonly #limits: UploadLimits;
  readonly #fields: FormField[] = [];
  readonly #names: string[] = [];
  readonly #fault = new Interrupt();
  readonly #finished = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly #samples: SpeakerSamples;
  readonly #hash: Hash | null;
  #file: ReceivedFile | null = null;

  constructor(parser: BusboyInstance, options: { path: string; limits: UploadLimits }) {
    this.#parser = parser;
    this.#path = options.path;
    this.#limits = options.limits;
    const { spoolDir, isDigested } = options.limits;
    this.#hash = isDigested === true ? createHash('sha256') : null;
    this.#samples = new SpeakerSamples({ spoolDir, signal: this.#stop.signal });
    const tooMany = () => this.#fault.trigger(malformed(`it has more than ${MAX_FIELDS} fields`));
    parser.on('field', (name, value, _nameCut, valueCut) => this.#onField(name, value, valueCut));
    parser.on(
      'file',
      (field = '', stream, fileName?: string, _encoding?: string, type?: string) => {
        this.#names.push(field);
        if (isSampleField(field)) this.#onSample({ field, fileName, mimeType: type }, stream);
        else this.#onFile(field, stream, fileName);
      },
    );
    parser.on('partsLimit', tooMany);
    parser.on('fieldsLimit', tooMany);
    parser.on('error', (cause) =>
      this.#fault.trigger(malformed('it ends too early or is damaged', cause)),
    );
    parser.on('finish', () => this.#finished.resolve());
  }

  /** Resolves when the chunk has been taken over, by the disk if it belongs to the file. */
  async write(chunk: Uint8Array): Promise<void> {
    const taken = Promise.withResolvers<void>();
    this.#parser.write(chunk, () => taken.resolve());
    await this.#fault.wait(taken.promise);
  }

  async finish(): Promise<Upload> {
    this.#parser.end();
    await this.#fault.wait(this.#finished.promise);
    const file = this.#file;
    if (file === null) {
      throw new SttException({ kind: 'no_file', fields: this.#names });
    }
    await this.#fault.wait(file.written);
    if (file.stream.bytesRead === 0) {
      throw new SttException({ kind: 'empty_file' });
    }
    const samplePaths = await this.#fault.wait(this.#samples.finish());
    return {
      path: this.#path,
      samplePaths,
      sizeBytes: file.stream.bytesRead,
      digest: this.#hash?.digest('hex') ?? null,
      fields: this.#fields,
      ...(file.name !== '' && { fileName: file.name }),
      remove: async () => {
        await removeSpoolFile(this.#path);
        await this.#samples.remove();
      },
    };
  }

  /** Stops writing and removes what was written. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    // Only a closed file stays removed: one that is just being opened would come to be afterwards.
    await this.#file?.closed;
    await removeSpoolFile(this.#path);
    await this.#samples.remove();
  }

  #onSample(part: SamplePart, stream: BusboyFileStream): void {
    this.#samples.take(part, stream).catch((error: Error) => this.#fault.trigger(error));
  }

  #onField(name: string | undefined, value: string, isCut: boolean): void {
    if (name === undefined) {
      return;
    }
    this.#names.push(name);
    this.#fields.push({ name, value });
    if (isCut) {
      const message = `the value is longer than ${MAX_FIELD_BYTES} bytes.`;
      const faults = [{ field: name, message, type: 'string_too_long' }];
      this.#fault.trigger(new SttException({ kind: 'invalid_fields', faults }));
    }
  }

  #onFile(field: string, stream: BusboyFileStream, name: string | undefined): void {
    if (!FILE_FIELDS.includes(field)) {
      stream.on('error', () => {});
      stream.resume();
      return;
    }
    stream.on('limit', () => this.#fault.trigger(tooLarge(this.#limits)));
    if (this.#file !== null) {
      stream.on('error', () => {});
      stream.resume();
      this.#fault.trigger(new SttException({ kind: 'several_files' }));
      return;
    }
    const target = createWriteStream(this.#path, { flags: 'wx', mode: 0o600 });
    const closed = new Promise<void>((resolve) => target.once('close', resolve));
    const until = { signal: this.#stop.signal };
    const written =
      this.#hash === null
        ? pipeline(stream, target, until)
        : pipeline(stream, digestInto(this.#hash), target, until);
    written.catch((cause: unknown) => this.#fault.trigger(toStorageError(cause)));
    this.#file = { stream, name: name ?? '', written, closed };
  }
}

/** Passes bytes on. */
function digestInto(hash: Hash) {
  return async function* digest(source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

interface ReceivedFile {
  readonly stream: BusboyFileStream;
  /** As sent, without folders; may be empty. */
  readonly name: string;
  /** Settles when the file is complete on disk. */
  readonly written: Promise<void>;
  /** Resolves when the file is closed, complete or not. */
  readonly closed: Promise<void>;
}

function malformed(problem: string, cause?: unknown): SttException {
  return new SttException({ kind: 'malformed_body', problem }, { cause });
}

function tooLarge(limits: UploadLimits): SttException {
  return new SttException({ kind: 'upload_too_large', limitBytes: limits.maxFileBytes });
}
