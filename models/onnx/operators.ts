/**
 * The operators our graphs may use, and how type and rank follow from their inputs. An operator that is not listed is
 * refused when the graph is built, so the list is also what must exist as CUDA kernels.
 *
 * Source for kernels: onnxruntime `docs/OperatorKernels.md` (CUDAExecutionProvider), v1.30.
 */
import type { ElementType } from './element-type.ts';

/** What is known of a tensor while a graph is being built. */
export interface TensorType {
  readonly type: ElementType;
  readonly rank: number;
}

export interface OperatorRule {
  readonly domain: '' | 'com.microsoft';
  /** The provider that runs it on a GPU; `host` = shape and control work that onnxruntime keeps on the CPU there too. */
  readonly gpu: 'cuda' | 'host' | 'none';
  readonly infer: (inputs: readonly (TensorType | null)[], attributes: Attributes) => TensorType[];
}

export type AttributeValue = number | string | readonly number[] | FloatAttribute;
/** A float attribute; plain numbers are integers. */
export interface FloatAttribute {
  readonly float: number;
}
export type Attributes = Readonly<Record<string, AttributeValue>>;

type Infer = OperatorRule['infer'];

const first: Infer = ([x]) => [known(x)];
const bool: Infer = (inputs) => [{ type: 'bool', rank: highestRank(inputs) }];
const broadcast: Infer = (inputs) => [{ type: known(inputs[0]).type, rank: highestRank(inputs) }];
const where: Infer = (inputs) => [{ type: known(inputs[1]).type, rank: highestRank(inputs) }];
const float: Infer = ([x]) => [{ type: 'float32', rank: known(x).rank }];
const matMul: Infer = ([a, b]) => [
  { type: known(a).type, rank: Math.max(known(a).rank, known(b).rank) },
];
const reduce: Infer = ([x, axes], { keepdims }) => [
  {
    type: known(x).type,
    rank: keepdims === 0 ? known(x).rank - (axes ? 1 : known(x).rank) : known(x).rank,
  },
];
const argMax: Infer = ([x], { keepdims }) => [
  { type: 'int64', rank: known(x).rank - (keepdims === 0 ? 1 : 0) },
];
const gather: Infer = ([data, indices]) => [
  { type: known(data).type, rank: known(data).rank + known(indices).rank - 1 },
];
const gatherElements: Infer = ([data, indices]) => [
  { type: known(data).type, rank: known(indices).rank },
];
const vector: Infer = () => [{ type: 'int64', rank: 1 }];
/** Rank or type come from the values of inputs: the caller states them. */
const stated: Infer = () => [];

function rule(
  gpu: OperatorRule['gpu'],
  infer: Infer,
  domain: OperatorRule['domain'] = '',
): OperatorRule {
  return { domain, gpu, infer };
}

export const OPERATORS: Readonly<Record<string, OperatorRule>> = {
  Abs: rule('cuda', first),
  Add: rule('cuda', broadcast),
  And: rule('cuda', bool),
  ArgMax: rule('cuda', argMax),
  Cast: rule('cuda', stated),
  Clip: rule('cuda', first),
  Concat: rule('cuda', first),
  Conv: rule('cuda', first),
  CumSum: rule('cuda', first),
  Div: rule('cuda', broadcast),
  Equal: rule('cuda', bool),
  Exp: rule('cuda', first),
  Expand: rule('cuda', stated),
  Gather: rule('cuda', gather),
  GatherElements: rule('cuda', gatherElements),
  Greater: rule('cuda', bool),
  GreaterOrEqual: rule('cuda', bool),
  Identity: rule('cuda', first),
  If: rule('host', stated),
  InstanceNormalization: rule('cuda', first),
  LayerNormalization: rule('cuda', first),
  LeakyRelu: rule('cuda', first),
  Less: rule('cuda', bool),
  Log: rule('cuda', first),
  LogSoftmax: rule('cuda', first),
  Loop: rule('host', stated),
  LSTM: rule('cuda', stated),
  MatMul: rule('cuda', matMul),
  Max: rule('cuda', broadcast),
  MaxPool: rule('cuda', first),
  Min: rule('cuda', broadcast),
  Mul: rule('cuda', broadcast),
  Neg: rule('cuda', first),
  Not: rule('cuda', first),
  Pad: rule('cuda', first),
  Pow: rule('cuda', broadcast),
  Range: rule('cuda', ([start]) => [{ type: known(start).type, rank: 1 }]),
  ReduceMax: rule('cuda', reduce),
  ReduceMean: rule('cuda', reduce),
  ReduceMin: rule('cuda', reduce),
  ReduceSum: rule('cuda', reduce),
  Reshape: rule('cuda', stated),
  Shape: rule('host', vector),
  Sigmoid: rule('cuda', first),
  Slice: rule('cuda', first),
  Softmax: rule('cuda', first),
  Sqrt: rule('cuda', first),
  Squeeze: rule('cuda', stated),
  Sub: rule('cuda', broadcast),
  Tanh: rule('cuda', first),
  TopK: rule('cuda', ([x]) => [known(x), { type: 'int64', rank: known(x).rank }]),
  Transpose: rule('cuda', first),
  Unsqueeze: rule('cuda', stated),
  Where: rule('cuda', where),
  FusedMatMul: rule('cuda', matMul, 'com.microsoft'),
  Gelu: rule('cuda', first, 'com.microsoft'),
  MultiHeadAttention: rule('cuda', first, 'com.microsoft'),
  // Only in graphs for the CPU.
  DynamicQuantizeLinear: rule('none', ([x]) => [
    { type: 'uint8', rank: known(x).rank },
    { type: 'float32', rank: 0 },
    { type: 'uint8', rank: 0 },
  ]),
  MatMulInteger: rule('none', ([a, b]) => [
    { type: 'int32', rank: Math.max(known(a).rank, known(b).rank) },
  ]),
  QuantizeLinear: rule('none', ([x, , zero]) => [{ type: known(zero).type, rank: known(x).rank }]),
  DynamicQuantizeMatMul: rule('none', float, 'com.microsoft'),
  MatMulNBits: rule('cuda', float, 'com.microsoft'),
};

function known(input: TensorType | null | undefined): TensorType {
  if (!input) throw new Error('an operator misses an input that its type follows from');
  return input;
}

function highestRank(inputs: readonly (TensorType | null)[]): number {
  return Math.max(...inputs.map((input) => input?.rank ?? 0));
}
