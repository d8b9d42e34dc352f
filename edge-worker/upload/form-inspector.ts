/** What a form holds, learnt from the scanner's events: its fields and the facts of its file, never the file itself. */
import { MAX_FIELD_BYTES, MAX_FIELDS, uploadTooLarge } from '#edge-worker/upload/limits.ts';
import type { ScanEvent } from '#edge-worker/upload/multipart-scanner.ts';
import type { PartHead } from '#edge-worker/upload/part-head.ts';
import { FILE_FIELDS, isFilePart } from '#shared/contracts/form-parts.ts';
import type { FormField } from '#shared/contracts/transcribe-form.ts';
import { SttException } from '#shared/errors.ts';

/** A form that was read to its end. */
export interface FormFacts {
  readonly fields: readonly FormField[];
  readonly file: PartHead & { readonly sizeBytes: number };
  /** Other parts with content of their own, e.g. samples of known speakers. */
  readonly otherFiles: readonly PartHead[];
}

/** Reads one form. The first fault is thrown where it is found. */
export class FormInspector {
  readonly #maxFileBytes: number;
  readonly #fields: FormField[] = [];
  readonly #names: string[] = [];
  readonly #otherFiles: PartHead[] = [];
  #file: { readonly head: PartHead; sizeBytes: number } | null = null;
  #part: { readonly head: PartHead; readonly role: Role } | null = null;
  #text = new TextDecoder();
  #value = '';
  #valueBytes = 0;

  constructor(limits: { readonly maxFileBytes: number }) {
    this.#maxFileBytes = limits.maxFileBytes;
  }

  /** The fields so far. */
  get fields(): readonly FormField[] {
    return this.#fields;
  }

  /** The part under way is the recording. */
  get isInFile(): boolean {
    return this.#part?.role === 'file';
  }

  /** @throws SttException several_files, malformed_body, invalid_fields, upload_too_large */
  see(event: ScanEvent): void {
    if (event.kind === 'part') this.#start(event.head);
    else if (event.kind === 'data') this.#take(event.bytes);
    else this.#finishPart();
  }

  /** @throws SttException no_file, empty_file */
  finish(): FormFacts {
    if (this.#file === null) throw new SttException({ kind: 'no_file', fields: this.#names });
    const { head, sizeBytes } = this.#file;
    if (sizeBytes === 0) throw new SttException({ kind: 'empty_file' });
    return { fields: this.#fields, file: { ...head, sizeBytes }, otherFiles: this.#otherFiles };
  }

  #start(head: PartHead): void {
    const role = roleOf(head);
    if (role !== 'none') this.#names.push(head.name);
    this.#part = { head, role };
    if (role === 'other') this.#otherFiles.push(head);
    if (role === 'file') {
      if (this.#file !== null) throw new SttException({ kind: 'several_files' });
      this.#file = { head, sizeBytes: 0 };
    }
    if (role === 'field') {
      if (this.#fields.length === MAX_FIELDS) {
        const problem = `it has more than ${MAX_FIELDS} fields`;
        throw new SttException({ kind: 'malformed_body', problem });
      }
      this.#text = new TextDecoder();
      this.#value = '';
      this.#valueBytes = 0;
    }
  }

  #take(bytes: Uint8Array): void {
    if (this.#part?.role === 'file' && this.#file !== null) {
      this.#file.sizeBytes += bytes.length;
      if (this.#file.sizeBytes > this.#maxFileBytes) throw uploadTooLarge(this.#maxFileBytes);
    }
    if (this.#part?.role === 'field') {
      this.#valueBytes += bytes.length;
      if (this.#valueBytes > MAX_FIELD_BYTES) throw fieldTooLong(this.#part.head.name);
      this.#value += this.#text.decode(bytes, { stream: true });
    }
  }

  #finishPart(): void {
    if (this.#part?.role === 'field') {
      const value = this.#value + this.#text.decode();
      this.#fields.push({ name: this.#part.head.name, value });
    }
    this.#part = null;
  }
}

type Role = 'field' | 'file' | 'other' | 'none';

function roleOf({ name, fileName, mimeType }: PartHead): Role {
  if (name === '') return 'none';
  if (!isFilePart({ name, fileName, mimeType })) return 'field';
  return FILE_FIELDS.includes(name) ? 'file' : 'other';
}

function fieldTooLong(field: string): SttException {
  const message = `the value is longer than ${MAX_FIELD_BYTES} bytes.`;
  const faults = [{ field, message, type: 'string_too_long' }];
  return new SttException({ kind: 'invalid_fields', faults });
}
