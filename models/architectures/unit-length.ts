import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { div, mul, reduce, scalar } from '../onnx/ops.ts';

/** Rows of a matrix divided by their lengths; a row of zeros stays. */
export function unitLength(g: GraphBuilder, x: Value): Value {
  const length = g.op('Sqrt', [reduce(g, 'ReduceSum', mul(g, x, x), 1, 1)]);
  return div(g, x, g.op('Max', [length, scalar(g, 1e-12)]));
}
