/** Writes safetensors files piece by piece; also sparse ones, to try the sizes of a large model without its weights. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

import { narrowToBfloat16, narrowToFloat16 } from '#models/half-floats.ts';
import { DTYPE_BYTES, type Dtype, elementCount } from '#models/safetensors-header.ts';

export interface TensorShape {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export interface TensorData extends TensorShape {
  /** Little-endian bytes of all elements, at once or in pieces that are asked for one after another. */
  readonly data: ArrayBufferView | Iterable<ArrayBufferView>;
}

/**
 * Writes the tensors in the given order. Only one piece of `data` is needed at a time.
 * @throws RangeError if the bytes of a tensor do not fit its shape
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorData[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  const descriptor = openSync(path, 'w');
  try {
    writeAll(descriptor, encodeHeader(tensors, metadata));
    for (const tensor of tensors) writeTensor(descriptor, tensor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes the header alone and lets the file end where the data would: all zeros, and next to no disk space. */
export function writeSparseSafetensors(path: string, tensors: readonly TensorShape[]): void {
  const descriptor = openSync(path, 'w');
  try {
    const header = encodeHeader(tensors, {});
    writeAll(descriptor, header);
    const dataBytes = tensors.reduce((sum, tensor) => sum + byteLengthOf(tensor), 0);
    ftruncateSync(descriptor, header.length + dataBytes);
  } finally {
    closeSync(descriptor);
  }
}

/** The bytes of `values` as an F32, F16 or BF16 tensor; 16-bit types round to the nearest, ties to even. */
export function encodeFloats(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): ArrayBufferView {
  if (dtype === 'F16') return narrowToFloat16(values);
  return dtype === 'BF16' ? narrowToBfloat16(values) : values;
}

function encodeHeader(
  tensors: readonly TensorShape[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push(['__metadata__', metadata]);
  let begin = 0;
  for (const tensor of tensors) {
    const end = begin + byteLengthOf(tensor);
    const { dtype, shape } = tensor;
    entries.push([tensor.name, { dtype, shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  // Spaces up to a multiple of 8 keep the data aligned for readers that map the file.
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(header, 8);
  return header;
}

function writeTensor(descriptor: number, tensor: TensorData): void {
  const pieces = ArrayBuffer.isView(tensor.data) ? [tensor.data] : tensor.data;
  const expected = byteLengthOf(tensor);
  let written = 0;
  for (const piece of pieces) {
    writeAll(descriptor, new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    written += piece.byteLength;
  }
  if (written !== expected) {
    throw new RangeError(`tensor "${tensor.name}" needs ${expected} bytes, got ${written}`);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

function byteLengthOf({ shape, dtype }: TensorShape): number {
  return elementCount(shape) * DTYPE_BYTES[dtype];
}
