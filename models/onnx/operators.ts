/**
 * The operators our graphs may use, how type and rank follow from their inputs, and which types their CUDA kernels take.
 * An operator that is not listed is refused when the graph is built.
 *
 * Source for kernels, at operator set 18: CUDAExecutionProvider in
 * https://github.com/microsoft/onnxruntime/blob/001d12d2623fd411ce0f83d05abb5e82304a3389/docs/OperatorKernels.md
 */
import type { ElementType } from './element-type.ts';

/** What is known of a tensor while a graph is being built. */
export interface TensorType {
  readonly type: ElementType;
  readonly rank: number;
}

export interface OperatorRule {
  readonly domain: '' | 'com.microsoft';
  /** Element types of its data that a CUDA kernel exists for; without one the data would travel to the CPU and back. */
  readonly cudaTypes: readonly ElementType[];
  /** Which input the data is: of `Where`, the first is the condition. */
  readonly dataInput: number;
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

const NO_KERNEL: readonly ElementType[] = [];
const FLOATS: readonly ElementType[] = ['float32', 'float16'];
const COMMON: readonly ElementType[] = [...FLOATS, 'int32', 'int64'];
const NUMBERS: readonly ElementType[] = [...COMMON, 'int8', 'uint8'];
const ANY: readonly ElementType[] = [...NUMBERS, 'bool'];

interface RuleOptions {
  readonly domain?: OperatorRule['domain'];
  readonly dataInput?: number;
}

function rule(
  cudaTypes: readonly ElementType[],
  infer: Infer,
  { domain = '', dataInput = 0 }: RuleOptions = {},
): OperatorRule {
  return { domain, cudaTypes, dataInput, infer };
}

const microsoft: RuleOptions = { domain: 'com.microsoft' };

export const OPERATORS: Readonly<Record<string, OperatorRule>> = {
  Abs: rule(NUMBERS, first),
  Add: rule(NUMBERS, broadcast),
  And: rule(['bool'], bool),
  ArgMax: rule(FLOATS, argMax),
  Cast: rule(ANY, stated),
  Clip: rule([...FLOATS, 'int64', 'int8', 'uint8'], first),
  Concat: rule(ANY, first),
  Conv: rule(FLOATS, first),
  CumSum: rule(COMMON, first),
  Div: rule(NUMBERS, broadcast),
  Equal: rule([...COMMON, 'bool'], bool),
  Exp: rule(FLOATS, first),
  Expand: rule(ANY, stated),
  Gather: rule(ANY, gather),
  GatherElements: rule(ANY, gatherElements),
  Greater: rule(COMMON, bool),
  GreaterOrEqual: rule(COMMON, bool),
  Identity: rule(ANY, first),
  If: rule(ANY, stated),
  InstanceNormalization: rule(FLOATS, first),
  LayerNormalization: rule(FLOATS, first),
  LeakyRelu: rule(FLOATS, first),
  Less: rule(COMMON, bool),
  Log: rule(FLOATS, first),
  LogSoftmax: rule(FLOATS, first),
  Loop: rule(ANY, stated),
  LSTM: rule(FLOATS, stated),
  MatMul: rule(FLOATS, matMul),
  Max: rule(COMMON, broadcast),
  MaxPool: rule([...FLOATS, 'int8', 'uint8'], first),
  Min: rule(COMMON, broadcast),
  Mul: rule(NUMBERS, broadcast),
  Neg: rule([...COMMON, 'int8'], first),
  Not: rule(['bool'], first),
  Pad: rule([...FLOATS, 'bool'], first),
  Pow: rule(COMMON, broadcast),
  Range: rule(['float32', 'int32', 'int64'], ([start]) => [{ type: known(start).type, rank: 1 }]),
  ReduceMax: rule(COMMON, reduce),
  ReduceMean: rule([...FLOATS, 'int32'], reduce),
  ReduceMin: rule(NUMBERS, reduce),
  ReduceSum: rule(COMMON, reduce),
  Relu: rule(FLOATS, first),
  Reshape: rule(ANY, stated),
  Shape: rule(ANY, vector),
  Sigmoid: rule(FLOATS, first),
  Slice: rule(ANY, first),
  Softmax: rule(FLOATS, first),
  Sqrt: rule(FLOATS, first),
  Squeeze: rule(ANY, stated),
  Sub: rule(NUMBERS, broadcast),
  Tanh: rule(FLOATS, first),
  TopK: rule(COMMON, ([x]) => [known(x), { type: 'int64', rank: known(x).rank }]),
  Transpose: rule(ANY, first),
  Unsqueeze: rule(ANY, stated),
  Where: rule([...COMMON, 'uint8'], where, { dataInput: 1 }),
  FusedMatMul: rule(FLOATS, matMul, microsoft),
  Gelu: rule(FLOATS, first, microsoft),
  MultiHeadAttention: rule(FLOATS, first, microsoft),
  // For graphs on the CPU.
  DynamicQuantizeLinear: rule(NO_KERNEL, ([x]) => [
    { type: 'uint8', rank: known(x).rank },
    { type: 'float32', rank: 0 },
    { type: 'uint8', rank: 0 },
  ]),
  MatMulInteger: rule(['int8'], ([a, b]) => [
    { type: 'int32', rank: Math.max(known(a).rank, known(b).rank) },
  ]),
  QuantizeLinear: rule(['float32'], ([x, , zero]) => [
    { type: known(zero).type, rank: known(x).rank },
  ]),
  DynamicQuantizeMatMul: rule(NO_KERNEL, float, microsoft),
  MatMulNBits: rule(FLOATS, float, microsoft),
};

/** What a graph computes that CUDA has no kernel for, as "operator (type)"; `used` holds the types of each operator's data. */
export function missingCudaKernels(
  used: ReadonlyMap<string, ReadonlySet<ElementType>>,
): readonly string[] {
  return [...used].flatMap(([operator, types]) =>
    [...types]
      .filter((type) => !OPERATORS[operator]?.cudaTypes.includes(type))
      .map((type) => `${operator} (${type})`),
  );
}

function known(input: TensorType | null | undefined): TensorType {
  if (!input) throw new Error('an operator misses an input that its type follows from');
  return input;
}

function highestRank(inputs: readonly (TensorType | null)[]): number {
  return Math.max(...inputs.map((input) => input?.rank ?? 0));
}
