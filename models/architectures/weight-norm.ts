/** A convolution's weights from their direction and length, as `torch.nn.utils.weight_norm` keeps them. */
import { narrowToFloat16 } from '../half-floats.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';

/** Names of length and direction: since PyTorch 2, and before. */
const SPELLINGS = [
  ['parametrizations.weight.original0', 'parametrizations.weight.original1'],
  ['weight_g', 'weight_v'],
] as const;

/**
 * The weights (outputs, inputs, kernel) of a convolution normed over its last axis (`dim=2`), in either spelling; one saved
 * with its norm folded in is taken as it is.
 */
export function weightNormed(g: GraphBuilder, name: string, type: 'float32' | 'float16'): Value {
  const { model } = g;
  const spelling = SPELLINGS.find(([length]) => model.weights.tensors.has(`${name}.${length}`));
  const weightName = `${name}.${spelling?.[1] ?? 'weight'}`;
  const dims = model.shapeOf(weightName, 3);
  const read = () => {
    const direction = model.weights.readFloat32(weightName);
    if (spelling === undefined) return direction;
    const [, , kernel = 0] = dims;
    const lengths = model.weights.readFloat32(`${name}.${spelling[0]}`);
    if (lengths.length !== kernel) throw new Error(`"${name}" is not normed over its last axis`);
    return scaleColumns(direction, lengths);
  };
  const key = `${name}.normed:${type}`;
  const make = () => (type === 'float32' ? read() : narrowToFloat16(read()));
  return model.external(key, type, dims, model.data.put(key, make));
}

/** Brings each column of a row-major (rows, columns) matrix to its length; `values` is changed. */
export function scaleColumns(values: Float32Array, lengths: Float32Array): Float32Array {
  const columns = lengths.length;
  const squares = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) squares[i % columns]! += values[i]! ** 2;
  const factors = lengths.map((length, k) => length / Math.sqrt(squares[k]!));
  for (let i = 0; i < values.length; i++) values[i]! *= factors[i % columns]!;
  return values;
}
