/**
 * The header of a safetensors file: eight bytes of length, then JSON. A header is data from outside, so every number in
 * it is held against the file before a tensor is read.
 *
 * Source: https://github.com/huggingface/safetensors#format
 */
import { z } from 'zod';

import { ModelError } from '#models/model-error.ts';

/** Bytes of one element, per element type of the format. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
} as const;

export type Dtype = keyof typeof DTYPE_BYTES;

/** One tensor and where its bytes lie. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Path of the file that holds the bytes. */
  readonly file: string;
  /** Byte offset from the start of that file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** The length field in front of the JSON. */
export const LENGTH_FIELD_BYTES = 8;
/** Whisper large-v3 needs 0.2 MB for 1,259 tensors; the format itself allows 100 MB. */
export const MAX_HEADER_BYTES = 16 * 1024 * 1024;
export const MAX_TENSORS = 65_536;
const MAX_RANK = 8;

const Size = z.int().nonnegative();
const TensorEntry = z.strictObject({
  dtype: z.enum(Object.keys(DTYPE_BYTES) as [Dtype, ...Dtype[]]),
  shape: z.array(Size).max(MAX_RANK),
  data_offsets: z.tuple([Size, Size]),
});
const Metadata = z.record(z.string(), z.string());

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly TensorInfo[];
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Checks the length field against the file.
 * @throws ModelError `bad-safetensors`
 */
export function headerLength(field: Uint8Array, file: string, fileBytes: number): number {
  if (field.length < LENGTH_FIELD_BYTES) {
    throw broken(file, `it has ${fileBytes} bytes, which is too short for a header`);
  }
  const view = new DataView(field.buffer, field.byteOffset, LENGTH_FIELD_BYTES);
  const declared = view.getBigUint64(0, true);
  if (declared > BigInt(MAX_HEADER_BYTES)) {
    throw broken(file, `its header claims ${declared} bytes; the limit is ${MAX_HEADER_BYTES}`);
  }
  const length = Number(declared);
  if (LENGTH_FIELD_BYTES + length > fileBytes) {
    throw broken(file, `its header claims ${length} bytes, but the file has only ${fileBytes}`);
  }
  return length;
}

/**
 * Reads the JSON of a header. The tensors must be within the file, of the size that their shape asks for, and cover all
 * bytes after the header once.
 * @throws ModelError `bad-safetensors`
 */
export function parseHeader(json: Uint8Array, file: string, fileBytes: number): SafetensorsHeader {
  const entries = Object.entries(parseJsonObject(json, file));
  if (entries.length > MAX_TENSORS) {
    throw broken(file, `it lists ${entries.length} tensors; the limit is ${MAX_TENSORS}`);
  }
  const dataStart = LENGTH_FIELD_BYTES + json.length;
  const tensors: TensorInfo[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of entries) {
    if (name === '__metadata__') metadata = parseMetadata(value, file);
    else tensors.push(parseTensor(name, value, { file, dataStart }));
  }
  tensors.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  checkCoverage(tensors, { file, dataStart, fileBytes });
  return { tensors, metadata };
}

/** Number of elements; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The error for a file that breaks the format. */
export function broken(file: string, fault: string, cause?: unknown): ModelError {
  const text = `${file} is not a valid safetensors file: ${fault}. Download or write it again.`;
  return new ModelError('bad-safetensors', text, { cause });
}

function parseJsonObject(json: Uint8Array, file: string): object {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw broken(file, 'its header is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw broken(file, 'its header is not a JSON object');
  }
  return value;
}

function parseMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  const parsed = Metadata.safeParse(value);
  if (!parsed.success) throw broken(file, '__metadata__ is not a table of strings', parsed.error);
  return new Map(Object.entries(parsed.data));
}

function parseTensor(
  name: string,
  value: unknown,
  place: { readonly file: string; readonly dataStart: number },
): TensorInfo {
  const { file, dataStart } = place;
  const parsed = TensorEntry.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') || 'entry';
    throw broken(file, `tensor "${name}": ${where}: ${issue?.message}`, parsed.error);
  }
  const { dtype, shape } = parsed.data;
  const [begin, end] = parsed.data.data_offsets;
  if (end < begin) throw broken(file, `tensor "${name}" ends at ${end}, before its start ${begin}`);
  const byteLength = elementCount(shape) * DTYPE_BYTES[dtype];
  if (byteLength !== end - begin) {
    const asked = `${dtype} [${shape.join(', ')}] needs ${byteLength} bytes`;
    throw broken(file, `tensor "${name}": ${asked}, its offsets span ${end - begin}`);
  }
  return { name, dtype, shape, file, offset: dataStart + begin, byteLength };
}

function checkCoverage(
  tensors: readonly TensorInfo[],
  place: { readonly file: string; readonly dataStart: number; readonly fileBytes: number },
): void {
  const { file, dataStart, fileBytes } = place;
  let next = dataStart;
  for (const { name, offset, byteLength } of tensors) {
    if (offset + byteLength > fileBytes) {
      const end = offset + byteLength;
      throw broken(
        file,
        `tensor "${name}" ends at byte ${end}, but the file has only ${fileBytes}`,
      );
    }
    if (offset < next) throw broken(file, `tensor "${name}" overlaps the one before it`);
    if (offset > next) throw broken(file, `${offset - next} bytes before "${name}" are unused`);
    next = offset + byteLength;
  }
  if (next !== fileBytes) throw broken(file, `${fileBytes - next} bytes at its end are unused`);
}
