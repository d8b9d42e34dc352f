/**
 * Reads tensors of a safetensors file, or of a folder with one (sharded or not). Only the headers stay in memory; each
 * read takes the bytes of one tensor from the file.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs';
import { endianness } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';

import { widenBfloat16, widenFloat16 } from '#models/half-floats.ts';
import { ModelError } from '#models/model-error.ts';
import {
  broken,
  elementCount,
  headerLength,
  LENGTH_FIELD_BYTES,
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorInfo,
} from '#models/safetensors-header.ts';

export type { Dtype, TensorInfo } from '#models/safetensors-header.ts';

/** The usual name of a model's weights, and of the list of its shards where they are many files. */
export const WEIGHTS_FILE = 'model.safetensors';
export const WEIGHTS_INDEX = 'model.safetensors.index.json';

/** An open file or set of shards. Whoever opened it closes it. */
export interface SafetensorsStore {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The free-form `__metadata__` of the first file. */
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * The values of an F32, F16, BF16 or F64 tensor, row-major; a new array each time.
   * @throws ModelError `bad-safetensors` if there is no such tensor, or if it holds no floats
   */
  readFloat32(name: string): Float32Array<ArrayBuffer>;
  /** The bytes as they stand in the file, little-endian; a new array each time. */
  readRaw(name: string): Uint8Array<ArrayBuffer>;
  close(): void;
}

/** Converted at once, so that a large F16 tensor needs little more memory than its result. */
const CONVERT_BYTES = 4 * 1024 * 1024;
/** One read call takes at most 2 GiB - 1 on Linux. */
const MAX_READ_BYTES = 1024 * 1024 * 1024;
const MAX_SHARDS = 1_000;

/** A shard is named without any folder: a name from outside must not lead out of the model's own. */
const ShardName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors$/, 'not a plain file name');
const ShardIndex = z.looseObject({ weight_map: z.record(z.string(), ShardName) });

/**
 * Opens a `.safetensors` file, a shard index (`.index.json`), or a folder that holds `model.safetensors` or
 * `model.safetensors.index.json`.
 * @throws ModelError `bad-safetensors`, or `not-found` where nothing lies at the path
 */
export function openSafetensors(pathOrDir: string): SafetensorsStore {
  if (endianness() !== 'LE') throw new Error('safetensors are read on little-endian machines only');
  const path = resolvePath(pathOrDir);
  const descriptors = new Map<string, number>();
  try {
    return path.endsWith('.json') ? openShards(path, descriptors) : openSingle(path, descriptors);
  } catch (error) {
    closeAll(descriptors);
    throw error;
  }
}

function resolvePath(pathOrDir: string): string {
  if (!existsSync(pathOrDir)) throw new ModelError('not-found', `${pathOrDir} does not exist.`);
  if (!statSync(pathOrDir).isDirectory()) return pathOrDir;
  for (const name of [WEIGHTS_FILE, WEIGHTS_INDEX]) {
    const path = join(pathOrDir, name);
    if (existsSync(path)) return path;
  }
  throw new ModelError(
    'not-found',
    `${pathOrDir} holds neither ${WEIGHTS_FILE} nor ${WEIGHTS_INDEX}.`,
  );
}

function openSingle(path: string, descriptors: Map<string, number>): SafetensorsStore {
  const { tensors, metadata } = openFile(path, descriptors);
  return createStore(new Map(tensors.map((tensor) => [tensor.name, tensor])), {
    metadata,
    descriptors,
  });
}

function openShards(path: string, descriptors: Map<string, number>): SafetensorsStore {
  const weightMap = Object.entries(readIndex(path).weight_map);
  const shardNames = [...new Set(weightMap.map(([, shard]) => shard))];
  if (shardNames.length > MAX_SHARDS) throw broken(path, `it names ${shardNames.length} shards`);
  const shards = new Map<string, Map<string, TensorInfo>>();
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const shard of shardNames) {
    const header = openFile(join(dirname(path), shard), descriptors);
    if (shards.size === 0) metadata = header.metadata;
    shards.set(shard, new Map(header.tensors.map((tensor) => [tensor.name, tensor])));
  }
  const tensors = new Map<string, TensorInfo>();
  for (const [name, shard] of weightMap) {
    const tensor = shards.get(shard)?.get(name);
    if (tensor === undefined) throw broken(path, `tensor "${name}" is not in ${shard}`);
    tensors.set(name, tensor);
  }
  return createStore(tensors, { metadata, descriptors });
}

function readIndex(path: string): z.infer<typeof ShardIndex> {
  const { size } = statSync(path);
  if (size > MAX_HEADER_BYTES) throw broken(path, `its ${size} bytes are over the limit`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw broken(path, 'it is not JSON', cause);
  }
  const parsed = ShardIndex.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw broken(path, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
}

function openFile(path: string, descriptors: Map<string, number>): SafetensorsHeader {
  if (!existsSync(path)) {
    throw new ModelError('not-found', `${basename(path)} is missing in ${dirname(path)}.`);
  }
  const descriptor = openSync(path, 'r');
  descriptors.set(path, descriptor);
  const fileBytes = fstatSync(descriptor).size;
  const field = new Uint8Array(Math.min(LENGTH_FIELD_BYTES, fileBytes));
  readFully(descriptor, field, { position: 0, path });
  const json = new Uint8Array(headerLength(field, path, fileBytes));
  readFully(descriptor, json, { position: LENGTH_FIELD_BYTES, path });
  return parseHeader(json, path, fileBytes);
}

function createStore(
  tensors: ReadonlyMap<string, TensorInfo>,
  opened: {
    readonly metadata: ReadonlyMap<string, string>;
    readonly descriptors: Map<string, number>;
  },
): SafetensorsStore {
  const locate = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      throw new ModelError('bad-safetensors', `There is no tensor "${name}" in these weights.`);
    }
    const descriptor = opened.descriptors.get(tensor.file);
    if (descriptor === undefined) throw new Error(`"${name}" was read after close()`);
    return { tensor, descriptor };
  };
  return {
    tensors,
    metadata: opened.metadata,
    readFloat32(name) {
      const { tensor, descriptor } = locate(name);
      return readFloats(tensor, descriptor);
    },
    readRaw(name) {
      const { tensor, descriptor } = locate(name);
      const bytes = new Uint8Array(tensor.byteLength);
      readFully(descriptor, bytes, { position: tensor.offset, path: tensor.file });
      return bytes;
    },
    close: () => closeAll(opened.descriptors),
  };
}

function readFloats(tensor: TensorInfo, descriptor: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(elementCount(tensor.shape));
  if (tensor.dtype === 'F32') {
    const bytes = new Uint8Array(values.buffer);
    readFully(descriptor, bytes, { position: tensor.offset, path: tensor.file });
    return values;
  }
  const convert = converterOf(tensor);
  const scratch = new Uint8Array(Math.min(CONVERT_BYTES, tensor.byteLength));
  const bytesPerValue = tensor.byteLength / Math.max(1, values.length);
  for (let done = 0; done < tensor.byteLength; done += scratch.length) {
    const piece = scratch.subarray(0, Math.min(scratch.length, tensor.byteLength - done));
    readFully(descriptor, piece, { position: tensor.offset + done, path: tensor.file });
    convert(piece, values, done / bytesPerValue);
  }
  return values;
}

type Converter = (bytes: Uint8Array<ArrayBuffer>, target: Float32Array, start: number) => void;

function converterOf({ name, dtype }: TensorInfo): Converter {
  if (dtype === 'F16') {
    return (bytes, target, start) => widenFloat16(halves(bytes), target, start);
  }
  if (dtype === 'BF16') {
    return (bytes, target, start) => widenBfloat16(halves(bytes), target, start);
  }
  if (dtype === 'F64') {
    return (bytes, target, start) =>
      target.set(new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8), start);
  }
  throw new ModelError(
    'bad-safetensors',
    `Tensor "${name}" is ${dtype}, not a float; use readRaw.`,
  );
}

function halves(bytes: Uint8Array<ArrayBuffer>): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

function readFully(
  descriptor: number,
  target: Uint8Array,
  from: { readonly position: number; readonly path: string },
): void {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(MAX_READ_BYTES, target.length - done);
    const count = readSync(descriptor, target, done, length, from.position + done);
    if (count === 0) throw broken(from.path, 'it became shorter while it was read');
    done += count;
  }
}

function closeAll(descriptors: Map<string, number>): void {
  for (const descriptor of descriptors.values()) closeSync(descriptor);
  descriptors.clear();
}
