/**
 * Samples of known speakers, sent beside the recording in the manner of OpenAI: `known_speaker_references[]`, each
 * a `data:` URL or a file. They are spooled like the recording, so only one at a time is ever in memory.
 */
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { BusboyFileStream } from '@fastify/busboy';
import { toStorageError } from '#origin/routes/storage-error.ts';
import { newSpoolPath, removeSpoolFile } from '#origin/spool.ts';
import { MAX_SAMPLES } from '#shared/contracts/form-fields.ts';
import { SttException } from '#shared/errors.ts';

/** What the form says about a part. */
export interface SamplePart {
  readonly field: string;
  readonly fileName: string | undefined;
  readonly mimeType: string | undefined;
}

/** Writes samples to spool files while the form is read. Whoever made it calls `finish` or `remove`. */
export class SpeakerSamples {
  readonly #spoolDir: string;
  readonly #signal: AbortSignal;
  readonly #samples: Sample[] = [];
  #finishing: Promise<unknown> = Promise.resolve();

  constructor(options: { spoolDir: string; signal: AbortSignal }) {
    this.#spoolDir = options.spoolDir;
    this.#signal = options.signal;
  }

  /**
   * Takes a part over; resolves when it is on disk.
   * @throws SttException invalid_fields when there are too many or it is too large, storage_full, internal
   */
  async take(part: SamplePart, stream: BusboyFileStream): Promise<void> {
    if (this.#samples.length >= MAX_SAMPLES) {
      stream.on('error', () => {});
      stream.resume();
      throw fault(part.field, `at most ${MAX_SAMPLES} samples are accepted.`);
    }
    const path = newSpoolPath(this.#spoolDir);
    const target = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    const closed = new Promise<void>((resolve) => target.once('close', resolve));
    const isText = isTextPart(part);
    const size = { bytes: 0 };
    const bounded = limitBytes(size, { field: part.field, isText });
    const written = pipeline(stream, bounded, target, { signal: this.#signal }).catch((cause) => {
      throw cause instanceof SttException ? cause : toStorageError(cause);
    });
    this.#samples.push({ path, isText, field: part.field, size, closed, written });
    await written;
  }

  /**
   * Waits for the files and turns URLs into what they hold. An empty part counts as absent.
   * @returns the paths, in the order of the parts
   * @throws SttException invalid_fields for what is not a sample
   */
  finish(): Promise<string[]> {
    const paths = this.#decodeAll();
    this.#finishing = paths.catch(() => {});
    return paths;
  }

  /** Removes all files; when `signal` has been aborted, or after `finish`. */
  async remove(): Promise<void> {
    // What is still being written would come to be again.
    await this.#finishing;
    for (const { path, closed } of this.#samples) {
      await closed;
      await removeSpoolFile(path);
    }
  }

  async #decodeAll(): Promise<string[]> {
    const sent: Sample[] = [];
    for (const sample of this.#samples) {
      await sample.written;
      if (sample.size.bytes === 0) continue;
      if (sample.isText) {
        await writeFile(sample.path, decodeDataUrl(await readFile(sample.path, 'latin1'), sample));
      }
      sent.push(sample);
    }
    return sent.map(({ path }) => path);
  }
}

interface Sample {
  readonly path: string;
  readonly isText: boolean;
  readonly field: string;
  readonly size: { readonly bytes: number };
  /** Settles when the file is complete on disk. */
  readonly written: Promise<void>;
  /** Resolves when the file is closed, complete or not. */
  readonly closed: Promise<void>;
}

const MAX_SAMPLE_BYTES = 2 * 1024 * 1024;
/** Base64 takes four letters for three bytes, and more with line breaks; the head of the URL comes on top. */
const MAX_URL_BYTES = Math.ceil((MAX_SAMPLE_BYTES * 4) / 3) + 64 * 1024;

/** Passes bytes on, and counts them. */
function limitBytes(size: { bytes: number }, part: { field: string; isText: boolean }) {
  const maxBytes = part.isText ? MAX_URL_BYTES : MAX_SAMPLE_BYTES;
  return async function* count(source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      size.bytes += chunk.length;
      if (size.bytes > maxBytes) throw tooLarge(part.field);
      yield chunk;
    }
  };
}

function isTextPart({ fileName, mimeType = '' }: SamplePart): boolean {
  return fileName === undefined && !/^(audio\/|video\/|application\/octet-stream)/i.test(mimeType);
}

const DATA_URL = /^\s*data:([^,;]*)(?:;[^,;]*)*;base64,/i;
const BASE64 = /^[\w+/\s-]*={0,2}\s*$/;

function decodeDataUrl(url: string, { field }: Sample): Buffer {
  const head = DATA_URL.exec(url.slice(0, 1000));
  const letters = head === null ? '' : url.slice(head[0].length);
  const isAudio = /^(audio\/.*|video\/.*|application\/octet-stream|)$/i.test(head?.[1] ?? '');
  if (head === null || !isAudio || !BASE64.test(letters)) {
    throw fault(field, 'not a sample; send "data:audio/wav;base64,…" or a file.');
  }
  const bytes = Buffer.from(letters, 'base64');
  if (bytes.length === 0) throw fault(field, 'the sample is empty.');
  if (bytes.length > MAX_SAMPLE_BYTES) throw tooLarge(field);
  return bytes;
}

function tooLarge(field: string): SttException {
  return fault(field, `a sample is larger than ${MAX_SAMPLE_BYTES / 1024 / 1024} MB.`);
}

function fault(field: string, message: string): SttException {
  const faults = [{ field, message, type: 'value_error' }];
  return new SttException({ kind: 'invalid_fields', faults });
}
