/** LSTM layers from torch's weights: `lstm.weight_ih_l0`, `lstm.bias_hh_l0_reverse` and so on. */
import { concatenate } from '#models/concatenate.ts';
import { narrowToFloat16 } from '../half-floats.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { WeightSource } from '../onnx/model-builder.ts';
import { cast } from '../onnx/ops.ts';

export interface LstmOptions {
  readonly direction: 'forward' | 'bidirectional';
  /** Whether `last` is wanted. */
  readonly keepLast?: boolean;
  /** How the weights lie in the file; default float32. They are multiplied in float32 either way. */
  readonly stored?: 'float32' | 'float16';
  /** Where torch's names are; default the model's own weights. */
  readonly weights?: WeightSource;
}

export interface LstmOutputs {
  /** (steps, directions, batch, hidden) */
  readonly steps: Value;
  /** (directions, batch, hidden): the state after the last step; null unless it was wanted. */
  readonly last: Value | null;
  readonly hidden: number;
}

/** One layer: x (steps, batch, inputs). */
export function lstmLayer(
  g: GraphBuilder,
  x: Value,
  layer: number,
  options: LstmOptions,
): LstmOutputs {
  const { direction, keepLast = false, stored = 'float32', weights = g.model.weights } = options;
  return g.within(`lstm${layer}`, () => {
    const suffixes = direction === 'bidirectional' ? ['', '_reverse'] : [''];
    const [gates = 0, inputs = 0] = weights.tensors.get(`lstm.weight_ih_l${layer}`)?.shape ?? [];
    if (gates === 0 || inputs === 0) throw new Error(`the weights have no LSTM layer ${layer}`);
    const hidden = gates / 4;
    const all = (part: string, dims: readonly number[], kinds: readonly string[]) => {
      const names = suffixes.flatMap((suffix) =>
        kinds.map((kind) => `lstm.${kind}_l${layer}${suffix}`),
      );
      const key = `lstm.${part}_l${layer}:iofc`;
      return gateRows(g, { key, dims: [suffixes.length, ...dims], names, stored, weights });
    };
    const w = all('w', [gates, inputs], ['weight_ih']);
    const r = all('r', [gates, hidden], ['weight_hh']);
    const b = all('b', [2 * gates], ['bias_ih', 'bias_hh']);
    const types = [4, ...(keepLast ? [3] : [])].map((rank) => ({ type: x.type, rank }));
    const [steps, last = null] = g.ops(
      'LSTM',
      [x, w, r, b],
      { direction, hidden_size: hidden },
      { as: types },
    );
    if (!steps) throw new Error('an LSTM gives its steps');
    return { steps, last, hidden };
  });
}

interface GateRows {
  readonly key: string;
  readonly dims: readonly number[];
  readonly names: readonly string[];
  readonly stored: 'float32' | 'float16';
  readonly weights: WeightSource;
}

/** Trained tensors one after the other, their rows in the order that ONNX wants. */
function gateRows(g: GraphBuilder, rows: GateRows): Value {
  const { key, dims, names, stored, weights } = rows;
  const { model } = g;
  const values = () => concatenate(names.map((name) => toOnnxGateOrder(weights.readFloat32(name))));
  const make = stored === 'float16' ? () => narrowToFloat16(values()) : values;
  return cast(g, model.external(key, stored, dims, model.data.put(key, make)), 'float32');
}

/** Rows of the four gates: input, forget, cell, output (torch) → input, output, forget, cell (ONNX). */
function toOnnxGateOrder(rows: Float32Array): Float32Array {
  const size = rows.length / 4;
  const gate = (i: number) => rows.subarray(i * size, (i + 1) * size);
  return concatenate([gate(0), gate(3), gate(1), gate(2)]);
}
