import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import onnxProto from 'onnx-proto';
import { closestNames } from './closest-names.ts';
import type { DataFile, ExternalData } from './data-file.ts';
import { type ElementType, ONNX_DATA_TYPE } from './element-type.ts';
import { GraphBuilder, type Value } from './graph-builder.ts';

const { onnx } = onnxProto;

/** onnx.proto3 IR_VERSION 9 and operator set 18: what onnxruntime ≥ 1.17 reads. */
const IR_VERSION = 9;
const OPSET = 18;

/** Trained weights by name, as a safetensors file gives them. */
export interface WeightSource {
  readonly tensors: ReadonlyMap<string, WeightInfo>;
  readFloat32(name: string): Float32Array;
}

export interface WeightInfo {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The file that holds it; the model file must lie beside it if it points there. */
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

/** One `.onnx` file in the making: its graph, its constants, and its weights in the shared data file. */
export class ModelBuilder {
  readonly graph: GraphBuilder;
  readonly weights: WeightSource;
  readonly data: DataFile;
  /** Tensors of this type may stay in the published file; null where too few would to keep it. */
  readonly referencedType: 'float32' | 'float16' | null;
  readonly #initializers = new Map<string, { value: Value; proto: onnxProto.onnx.TensorProto }>();
  readonly #referenced = new Set<string>();
  readonly #used = new Map<string, Set<ElementType>>();
  #names = 0;

  constructor(
    name: string,
    weights: WeightSource,
    data: DataFile,
    referencedType: ModelBuilder['referencedType'] = null,
  ) {
    this.referencedType = referencedType;
    this.weights = weights;
    this.data = data;
    this.graph = new GraphBuilder(this, name);
  }

  /** A name that no other value of the model has. */
  uniqueName(hint: string): string {
    this.#names += 1;
    return `${hint}_${this.#names}`;
  }

  /**
   * Shape of a trained weight.
   * @throws if the weights have no such tensor or it has another rank.
   */
  shapeOf(name: string, rank: number): readonly number[] {
    const tensor = this.weights.tensors.get(name);
    if (!tensor) {
      const near = closestNames(name, this.weights.tensors.keys());
      throw new Error(`no weight is called "${name}"; close names: ${near.join(', ') || 'none'}`);
    }
    if (tensor.shape.length !== rank) {
      throw new Error(
        `weight "${name}" has shape [${tensor.shape}], a tensor of rank ${rank} is needed`,
      );
    }
    return tensor.shape;
  }

  /** A small constant kept inside the model file; equal names must mean equal values. */
  inline(name: string, type: ElementType, dims: readonly number[], raw: Uint8Array): Value {
    return this.#initializer(name, type, dims, () => ({ rawData: raw }));
  }

  /** A tensor in external data. */
  external(name: string, type: ElementType, dims: readonly number[], at: ExternalData): Value {
    return this.#initializer(name, type, dims, () => ({
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: Object.entries(at).map(([key, value]) => ({ key, value: String(value) })),
    }));
  }

  /** A trained tensor left where it lies, in its own file. */
  reference(key: string, type: ElementType, info: WeightInfo): Value {
    this.#referenced.add(info.file);
    const { offset, byteLength } = info;
    const at = { location: basename(info.file), offset, length: byteLength };
    return this.external(key, type, info.shape, at);
  }

  /** Weight files that must lie beside the model file. */
  referencedFiles(): ReadonlySet<string> {
    return this.#referenced;
  }

  /** Remembers that an operator works on data of a type. */
  noteUse(operator: string, type: ElementType): void {
    const types = this.#used.get(operator) ?? new Set();
    this.#used.set(operator, types.add(type));
  }

  /** The types of each operator's data, in this graph and those inside it. */
  usedKernels(): ReadonlyMap<string, ReadonlySet<ElementType>> {
    return this.#used;
  }

  save(path: string): void {
    const graph = this.graph.toProto();
    graph.initializer = [...this.#initializers.values()].map(({ proto }) => proto);
    const model = onnx.ModelProto.create({
      irVersion: IR_VERSION,
      producerName: 'mana-stt',
      graph,
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: 'com.microsoft', version: 1 },
      ],
    });
    writeFileSync(path, onnx.ModelProto.encode(model).finish());
  }

  #initializer(
    name: string,
    type: ElementType,
    dims: readonly number[],
    content: () => onnxProto.onnx.ITensorProto,
  ): Value {
    const there = this.#initializers.get(name);
    if (there) return there.value;
    const value: Value = { name, type, rank: dims.length };
    const proto = onnx.TensorProto.create({
      name,
      dims: [...dims],
      dataType: ONNX_DATA_TYPE[type],
      ...content(),
    });
    this.#initializers.set(name, { value, proto });
    return value;
  }
}
