import { closeSync, openSync, writeSync } from 'node:fs';
import { basename } from 'node:path';

/** Where the bytes of a tensor lie: ONNX external data, `location` relative to the model file. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** onnxruntime maps external data into memory where the offset is a multiple of the page size. */
const PAGE_BYTES = 4096;

/**
 * The one file with the weights that had to change (quantised, converted) for a model. All graphs of the model share
 * it; a tensor is written once, under its name. Tensors are appended as they come, so memory stays at one tensor.
 */
export class DataFile {
  readonly location: string;
  readonly #fd: number;
  readonly #written = new Map<string, ExternalData>();
  #size = 0;

  constructor(path: string) {
    this.location = basename(path);
    this.#fd = openSync(path, 'w');
  }

  get sizeBytes(): number {
    return this.#size;
  }

  /** Writes the tensor unless one of this name is there already. `make` is called only when needed. */
  put(name: string, make: () => ArrayBufferView): ExternalData {
    const there = this.#written.get(name);
    if (there) return there;
    const data = make();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const offset = Math.ceil(this.#size / PAGE_BYTES) * PAGE_BYTES;
    writeAll(this.#fd, bytes, offset);
    this.#size = offset + bytes.byteLength;
    const entry = { location: this.location, offset, length: bytes.byteLength };
    this.#written.set(name, entry);
    return entry;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, bytes.byteLength - done, position + done);
  }
}
