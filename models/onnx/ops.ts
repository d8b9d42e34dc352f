/** Short names for the nodes that every graph is full of. Nothing here knows a model. */

import { narrowToFloat16 } from '../half-floats.ts';
import type { ElementType } from './element-type.ts';
import type { GraphBuilder, Value } from './graph-builder.ts';

/** Marks "to the end" in a slice. */
export const END = Number.MAX_SAFE_INTEGER;

/** 1-D int64 constant. */
export function ints(g: GraphBuilder, values: readonly number[]): Value {
  const data = BigInt64Array.from(values, BigInt);
  return g.model.inline(`const/i[${values}]`, 'int64', [values.length], bytesOf(data));
}

/** int64 scalar constant. */
export function int(g: GraphBuilder, value: number): Value {
  return g.model.inline(`const/i${value}`, 'int64', [], bytesOf(BigInt64Array.of(BigInt(value))));
}

/** Floating scalar constant. */
export function scalar(g: GraphBuilder, value: number, type: ElementType = 'float32'): Value {
  const f32 = Float32Array.of(value);
  const raw = type === 'float16' ? bytesOf(narrowToFloat16(f32)) : bytesOf(f32);
  return g.model.inline(`const/${type}/${value}`, type, [], raw);
}

/** uint8 scalar constant, e.g. the zero point of a quantised tensor. */
export function uint8(g: GraphBuilder, value: number): Value {
  return g.model.inline(`const/u${value}`, 'uint8', [], Uint8Array.of(value));
}

/** int8 scalar constant. */
export function int8(g: GraphBuilder, value: number): Value {
  return g.model.inline(`const/s${value}`, 'int8', [], bytesOf(Int8Array.of(value)));
}

/** Named float32 constant kept inside the model file: for small tables only. */
export function table(
  g: GraphBuilder,
  name: string,
  dims: readonly number[],
  data: Float32Array,
): Value {
  return g.model.inline(name, 'float32', dims, bytesOf(data));
}

export const add = (g: GraphBuilder, a: Value, b: Value) => g.op('Add', [a, b]);
export const sub = (g: GraphBuilder, a: Value, b: Value) => g.op('Sub', [a, b]);
export const mul = (g: GraphBuilder, a: Value, b: Value) => g.op('Mul', [a, b]);
export const div = (g: GraphBuilder, a: Value, b: Value) => g.op('Div', [a, b]);
export const matMul = (g: GraphBuilder, a: Value, b: Value) => g.op('MatMul', [a, b]);
export const equal = (g: GraphBuilder, a: Value, b: Value) => g.op('Equal', [a, b]);
export const where = (g: GraphBuilder, condition: Value, a: Value, b: Value) =>
  g.op('Where', [condition, a, b]);

export function cast(g: GraphBuilder, x: Value, type: ElementType): Value {
  if (x.type === type) return x;
  const to = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 }[type];
  return g.op('Cast', [x], { to }, { as: { type, rank: x.rank } });
}

/** `dims` may hold one -1 (the rest) and 0 (as in the input), or be a computed int64 vector of `rank` sizes. */
export function reshape(g: GraphBuilder, x: Value, dims: readonly number[]): Value;
export function reshape(g: GraphBuilder, x: Value, dims: Value, rank: number): Value;
export function reshape(
  g: GraphBuilder,
  x: Value,
  dims: readonly number[] | Value,
  rank?: number,
): Value {
  const shape = 'name' in dims ? dims : ints(g, dims);
  const outRank = 'name' in dims ? rank : dims.length;
  if (outRank === undefined) throw new Error('reshape to a computed shape needs its rank');
  return g.op('Reshape', [x, shape], {}, { as: { type: x.type, rank: outRank } });
}

export function expand(g: GraphBuilder, x: Value, shape: Value, rank: number): Value {
  return g.op('Expand', [x, shape], {}, { as: { type: x.type, rank } });
}

export function transpose(g: GraphBuilder, x: Value, perm: readonly number[]): Value {
  if (perm.length !== x.rank) throw new Error(`transpose of rank ${x.rank} by [${perm}]`);
  return g.op('Transpose', [x], { perm });
}

export function concat(g: GraphBuilder, parts: readonly Value[], axis: number): Value {
  return g.op('Concat', parts, { axis });
}

/** Elements `from` (inclusive) to `to` (exclusive) of one axis; bounds are numbers or computed int64 vectors of one. */
export function slice(
  g: GraphBuilder,
  x: Value,
  axis: number,
  from: number | Value,
  to: number | Value = END,
): Value {
  const bound = (at: number | Value) => (typeof at === 'number' ? ints(g, [at]) : at);
  return g.op('Slice', [x, bound(from), bound(to), ints(g, [axis])]);
}

export function unsqueeze(g: GraphBuilder, x: Value, axis: number): Value {
  return g.op('Unsqueeze', [x, ints(g, [axis])], {}, { as: { type: x.type, rank: x.rank + 1 } });
}

export function squeeze(g: GraphBuilder, x: Value, axis: number): Value {
  return g.op('Squeeze', [x, ints(g, [axis])], {}, { as: { type: x.type, rank: x.rank - 1 } });
}

export function gather(g: GraphBuilder, data: Value, indices: Value, axis = 0): Value {
  return g.op('Gather', [data, indices], { axis });
}

/** Softmax over the last axis, in float32 whatever the maths. */
export function softmax(g: GraphBuilder, x: Value): Value {
  return cast(g, g.op('Softmax', [cast(g, x, 'float32')], { axis: -1 }), x.type);
}

/** Size of one axis as an int64 vector of one. */
export function sizeOf(g: GraphBuilder, x: Value, axis: number): Value {
  return g.op('Shape', [x], { start: axis, end: axis + 1 });
}

/** Adds up (or finds the largest, the mean … of) one axis. */
export function reduce(
  g: GraphBuilder,
  kind: 'ReduceSum' | 'ReduceMax' | 'ReduceMin' | 'ReduceMean',
  x: Value,
  axis: number,
  keepdims: 0 | 1 = 0,
): Value {
  return g.op(kind, [x, ints(g, [axis])], { keepdims });
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
