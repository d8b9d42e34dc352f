/**
 * Layers shared by the architectures: trained weights enter a graph here and nowhere else, in the form that the
 * target's precision asks for.
 */
import { narrowToFloat16 } from '../half-floats.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { cast, gather, mul, scalar, transpose, unsqueeze } from '../onnx/ops.ts';
import { quantizeBlocks, quantizeColumns } from '../quantize.ts';
import type { Precision } from '../target.ts';

/** Inputs that share one scale in the block form; what MatMulNBits computes with fastest. */
const BLOCK_SIZE = 32;

/** A trained tensor as it is, in the given float type. Bytes that need no change stay in the safetensors file. */
export function weight(
  g: GraphBuilder,
  name: string,
  rank: number,
  type: 'float32' | 'float16' = 'float32',
): Value {
  const { model } = g;
  const dims = model.shapeOf(name, rank);
  const key = `${name}:${type}`;
  const info = model.weights.tensors.get(name);
  const isStored = info?.dtype === (type === 'float32' ? 'F32' : 'F16');
  if (info && isStored && type === model.referencedType) return model.reference(key, type, info);
  const make = () => {
    const values = model.weights.readFloat32(name);
    return type === 'float32' ? values : narrowToFloat16(values);
  };
  return model.external(key, type, dims, model.data.put(key, make));
}

/**
 * x (…, inputs) × trainedᵀ + bias → (…, outputs); `name.weight` is (outputs, inputs). `fine` is for layers whose input
 * has outliers: in 8 bits they get a scale for every 32 values instead of one for the whole tensor, which is slower.
 */
export function linear(
  g: GraphBuilder,
  x: Value,
  name: string,
  precision: Precision,
  options: { bias?: boolean; fine?: boolean } = {},
): Value {
  const bias = options.bias === false ? null : weight(g, `${name}.bias`, 1, precision.maths);
  if (options.fine && precision.linear === 'int8-dynamic') {
    return projectBlocks(g, x, `${name}.weight`, bias);
  }
  return project(g, x, `${name}.weight`, bias, precision);
}

/** As `linear`, for a weight under any name and a bias that may be computed. */
export function project(
  g: GraphBuilder,
  x: Value,
  weightName: string,
  bias: Value | null,
  precision: Precision,
): Value {
  switch (precision.linear) {
    case 'int8-dynamic':
      return projectInt8(g, x, weightName, bias);
    case 'int8-blocks':
      return projectBlocks(g, x, weightName, bias);
    case 'float': {
      const w = weight(g, weightName, 2, precision.maths);
      const y = g.op('FusedMatMul', [x, w], { transB: 1 });
      return bias ? g.op('Add', [y, bias]) : y;
    }
  }
}

function projectInt8(g: GraphBuilder, x: Value, name: string, bias: Value | null): Value {
  const { values, scales } = int8Weight(g, name);
  return g.op('DynamicQuantizeMatMul', [x, values, scales, null, bias]);
}

/** values (inputs, outputs), scales (outputs). */
function int8Weight(g: GraphBuilder, name: string): { values: Value; scales: Value } {
  const { model } = g;
  const [outputs, inputs] = matrixShape(g, name);
  const quantized = once(() => quantizeColumns(model.weights.readFloat32(name), outputs, inputs));
  const valuesAt = model.data.put(`${name}:int8`, () => quantized().values);
  const scalesAt = model.data.put(`${name}:scales`, () => quantized().scales);
  return {
    values: model.external(`${name}:int8`, 'int8', [inputs, outputs], valuesAt),
    scales: model.external(`${name}:scales`, 'float32', [outputs], scalesAt),
  };
}

function projectBlocks(g: GraphBuilder, x: Value, name: string, bias: Value | null): Value {
  const { model } = g;
  const [outputs, inputs] = matrixShape(g, name);
  const blocks = inputs / BLOCK_SIZE;
  const quantized = once(() =>
    quantizeBlocks(model.weights.readFloat32(name), outputs, inputs, BLOCK_SIZE),
  );
  const values = model.external(
    `${name}:q8`,
    'uint8',
    [outputs, blocks, BLOCK_SIZE],
    model.data.put(`${name}:q8`, () => quantized().values),
  );
  const scales = model.external(
    `${name}:q8-scales`,
    'float32',
    [outputs, blocks],
    model.data.put(`${name}:q8-scales`, () => quantized().scales),
  );
  const attributes = { K: inputs, N: outputs, bits: 8, block_size: BLOCK_SIZE, accuracy_level: 4 };
  return g.op('MatMulNBits', [x, values, scales, null, null, bias], attributes);
}

/** Rows of a trained table (vocabulary, width) by index, out of the same bytes that `project` multiplies with. */
export function embed(g: GraphBuilder, indices: Value, name: string, precision: Precision): Value {
  const { model } = g;
  if (precision.linear === 'float') return gather(g, weight(g, name, 2, precision.maths), indices);
  if (precision.linear === 'int8-dynamic') {
    const { values, scales } = int8Weight(g, name);
    const columns = cast(g, gather(g, values, indices, 1), 'float32');
    const perm = [...Array(indices.rank).keys()].map((axis) => axis + 1);
    return mul(
      g,
      transpose(g, columns, [...perm, 0]),
      unsqueeze(g, gather(g, scales, indices), -1),
    );
  }
  const key = `${name}:float16`;
  const make = () => narrowToFloat16(model.weights.readFloat32(name));
  const rows = model.external(key, 'float16', model.shapeOf(name, 2), model.data.put(key, make));
  return cast(g, gather(g, rows, indices), 'float32');
}

/** A trained matrix (outputs, inputs) as floats, for products that are not with a layer's input. */
export function denseWeight(g: GraphBuilder, name: string, precision: Precision): Value {
  if (precision.linear !== 'int8-dynamic') return weight(g, name, 2, precision.maths);
  const { values, scales } = int8Weight(g, name);
  return transpose(g, mul(g, cast(g, values, 'float32'), scales), [1, 0]);
}

/** Layer normalisation over the last axis, computed in float32. */
export function layerNorm(g: GraphBuilder, x: Value, name: string): Value {
  const inputs = [
    cast(g, x, 'float32'),
    weight(g, `${name}.weight`, 1),
    weight(g, `${name}.bias`, 1),
  ];
  const y = g.op('LayerNormalization', inputs, { axis: -1, epsilon: { float: 1e-5 } });
  return cast(g, y, x.type);
}

/** Gaussian error linear unit, the exact (erf) form. */
export function gelu(g: GraphBuilder, x: Value): Value {
  return g.op('Gelu', [x]);
}

/** Scales queries by 1/√headSize. */
export function scaleQuery(g: GraphBuilder, q: Value, headSize: number): Value {
  return g.op('Mul', [q, scalar(g, headSize ** -0.5, q.type)]);
}

function matrixShape(g: GraphBuilder, name: string): [number, number] {
  const [outputs, inputs] = g.model.shapeOf(name, 2);
  if (outputs === undefined || inputs === undefined) throw new Error(`"${name}" is no matrix`);
  return [outputs, inputs];
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
