/**
 * Builds an ONNX graph node by node. Every value knows its element type and rank, so a mistake is refused where it is
 * made, with the operator's name, and not by onnxruntime when the model is loaded.
 */
import onnxProto from 'onnx-proto';
import { type ElementType, ONNX_DATA_TYPE } from './element-type.ts';
import type { ModelBuilder } from './model-builder.ts';
import { type Attributes, type AttributeValue, OPERATORS, type TensorType } from './operators.ts';

const { onnx } = onnxProto;
type NodeProto = onnxProto.onnx.INodeProto;
type ValueInfo = onnxProto.onnx.IValueInfoProto;

/** A tensor that some node, input or weight gives. */
export interface Value extends TensorType {
  readonly name: string;
}

/** A number is a fixed size, a string the name of a variable one. */
export type Dimension = number | string;

export interface NodeOptions {
  /** Type and rank of the outputs, for operators where they do not follow from the inputs. */
  readonly as?: TensorType | readonly TensorType[];
  /** Name of the output, for tests and profiles. */
  readonly name?: string;
}

export interface LoopState {
  readonly iteration: Value;
  readonly carried: readonly Value[];
}

export interface LoopStep {
  /** Whether to go on. */
  readonly condition: Value;
  readonly carried: readonly Value[];
  /** Collected over the iterations, stacked along a new first axis. */
  readonly scans: readonly Value[];
}

export class GraphBuilder {
  readonly model: ModelBuilder;
  readonly #name: string;
  readonly #nodes: NodeProto[] = [];
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #scopes: string[] = [];

  constructor(model: ModelBuilder, name: string) {
    this.model = model;
    this.#name = name;
  }

  input(name: string, type: ElementType, dims: readonly Dimension[]): Value {
    this.#inputs.push(valueInfo(name, type, dims));
    return { name, type, rank: dims.length };
  }

  /** Declares `value` an output of the graph under `name`. */
  output(name: string, value: Value, dims: readonly Dimension[]): void {
    if (value.rank !== dims.length) {
      throw new Error(`output "${name}" has rank ${value.rank}, declared ${dims.length}`);
    }
    this.#nodes.push({
      opType: 'Identity',
      name: `${name}/output`,
      input: [value.name],
      output: [name],
    });
    this.#outputs.push(valueInfo(name, value.type, dims));
  }

  /**
   * Hands `values` to the graph around this one (a loop or branch). A value made here is handed over as it is: an
   * `Identity` in between would copy it at every step.
   */
  handOver(values: readonly Value[]): void {
    const made = new Set(this.#nodes.flatMap((node) => node.output ?? []));
    for (const value of values) {
      const dims = anyDims(value.rank);
      if (made.delete(value.name)) this.#outputs.push(valueInfo(value.name, value.type, dims));
      else this.output(this.model.uniqueName('handed_over'), value, dims);
    }
  }

  /** Names of all nodes made inside `body` start with `scope/`. */
  within<T>(scope: string, body: () => T): T {
    this.#scopes.push(scope);
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }

  /** Adds one node with one output. `null` stands for an optional input left out. */
  op(
    type: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value {
    const [value] = this.ops(type, inputs, attributes, options);
    if (!value) throw new Error(`${type} gives no output; state its type with "as"`);
    return value;
  }

  /** Adds one node and gives all its outputs. */
  ops(
    type: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value[] {
    const rule = OPERATORS[type];
    if (!rule) throw new Error(`operator "${type}" is not in models/onnx/operators.ts`);
    const types = options.as ? [options.as].flat() : rule.infer(inputs, attributes);
    const base = [...this.#scopes, options.name ?? type].join('/');
    const outputs = types.map((t) => ({ ...t, name: this.model.uniqueName(base) }));
    this.#checkTypes(type, inputs);
    const data = inputs[rule.dataInput];
    if (data) this.model.noteUse(type, data.type);
    this.#nodes.push({
      opType: type,
      domain: rule.domain,
      name: outputs[0]?.name ?? this.model.uniqueName(base),
      input: inputs.map((input) => input?.name ?? ''),
      output: outputs.map(({ name }) => name),
      attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
    });
    return outputs;
  }

  /** ONNX `Loop`: repeats `body` while its condition holds, at most `maxTrips` times. */
  loop(
    start: { maxTrips: Value; condition: Value; carried: readonly Value[] },
    body: (graph: GraphBuilder, state: LoopState) => LoopStep,
  ): { carried: Value[]; scans: Value[] } {
    const inner = new GraphBuilder(this.model, this.model.uniqueName('loop'));
    const name = (hint: string) => this.model.uniqueName(`loop/${hint}`);
    const iteration = inner.input(name('iteration'), 'int64', []);
    inner.input(name('condition'), 'bool', []);
    const carried = start.carried.map((v) => inner.input(name('carried'), v.type, anyDims(v.rank)));
    const step = body(inner, { iteration, carried });
    checkSameTypes('loop', start.carried, step.carried);
    inner.handOver([step.condition, ...step.carried, ...step.scans]);
    const scanTypes = step.scans.map(({ type, rank }) => ({ type, rank: rank + 1 }));
    const outputs = this.#control(
      'Loop',
      [start.maxTrips, start.condition, ...start.carried],
      { body: inner },
      [...start.carried, ...scanTypes],
    );
    return {
      carried: outputs.slice(0, carried.length),
      scans: outputs.slice(carried.length),
    };
  }

  /** ONNX `If`: only the chosen branch is computed. Both must give values of the same types. */
  if(
    condition: Value,
    whenTrue: (graph: GraphBuilder) => readonly Value[],
    whenFalse: (graph: GraphBuilder) => readonly Value[],
  ): Value[] {
    const branch = (hint: string, body: typeof whenTrue) => {
      const inner = new GraphBuilder(this.model, this.model.uniqueName(hint));
      const values = body(inner);
      inner.handOver(values);
      return { inner, values };
    };
    const yes = branch('then', whenTrue);
    const no = branch('else', whenFalse);
    checkSameTypes('if', yes.values, no.values);
    const graphs = { then_branch: yes.inner, else_branch: no.inner };
    return this.#control('If', [condition], graphs, yes.values);
  }

  toProto(): onnxProto.onnx.GraphProto {
    return onnx.GraphProto.create({
      name: this.#name,
      node: this.#nodes,
      input: this.#inputs,
      output: this.#outputs,
    });
  }

  #control(
    type: 'Loop' | 'If',
    inputs: readonly Value[],
    graphs: Readonly<Record<string, GraphBuilder>>,
    types: readonly TensorType[],
  ): Value[] {
    const base = [...this.#scopes, type].join('/');
    const outputs = types.map((t) => ({
      type: t.type,
      rank: t.rank,
      name: this.model.uniqueName(base),
    }));
    this.#nodes.push({
      opType: type,
      name: this.model.uniqueName(base),
      input: inputs.map(({ name }) => name),
      output: outputs.map(({ name }) => name),
      attribute: Object.entries(graphs).map(([name, graph]) => ({
        name,
        type: onnx.AttributeProto.AttributeType.GRAPH,
        g: graph.toProto(),
      })),
    });
    return outputs;
  }

  /** Element-wise and matrix operators take one floating type at a time. */
  #checkTypes(type: string, inputs: readonly (Value | null)[]): void {
    if (!SAME_TYPE.has(type)) return;
    const types = new Set(inputs.filter((input) => input !== null).map((input) => input.type));
    if (types.size > 1) {
      const list = inputs.map((input) => `${input?.name}: ${input?.type}`).join(', ');
      throw new Error(`${[...this.#scopes, type].join('/')} mixes types: ${list}`);
    }
  }
}

const SAME_TYPE = new Set(
  'Add Sub Mul Div Pow Min Max Equal Less Greater GreaterOrEqual MatMul FusedMatMul Concat'.split(
    ' ',
  ),
);

function anyDims(rank: number): string[] {
  return Array.from({ length: rank }, (_, axis) => `any${axis}`);
}

function valueInfo(name: string, type: ElementType, dims: readonly Dimension[]): ValueInfo {
  // A name shared by two values would claim that their sizes are equal: inner dimensions stay unnamed.
  const dim = dims.map((d) =>
    typeof d === 'number' ? { dimValue: d } : d.startsWith('any') ? {} : { dimParam: d },
  );
  return { name, type: { tensorType: { elemType: ONNX_DATA_TYPE[type], shape: { dim } } } };
}

function attributeProto(name: string, value: AttributeValue): onnxProto.onnx.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string') {
    return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  }
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

function checkSameTypes(
  where: string,
  expected: readonly TensorType[],
  found: readonly TensorType[],
): void {
  const text = (types: readonly TensorType[]) =>
    types.map(({ type, rank }) => `${type} of rank ${rank}`).join(', ');
  if (text(expected) !== text(found)) {
    throw new Error(`${where}: expected ${text(expected)}; found ${text(found)}`);
  }
}
