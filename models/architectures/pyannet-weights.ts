/**
 * PyanNet's weights under pyannote.audio's names, whichever of two published layouts they come in. MLX's has the
 * band-pass filters computed already, convolutions as (outputs, taps, inputs), and both biases of an LSTM in one.
 */
import type { WeightInfo, WeightSource } from '../onnx/model-builder.ts';

/** Under this name, filters (80, 251) that need no computing. */
export const READY_FILTERS = 'sincnet.conv1d.0.filters';

export function pyannetWeights(weights: WeightSource): WeightSource {
  if (!weights.tensors.has('sincnet.conv.0.weight')) return weights;
  const views = new Map([...weights.tensors].flatMap(([name, info]) => viewsOf(name, info)));
  return {
    tensors: new Map([...views].map(([name, { info }]) => [name, info])),
    readFloat32(name) {
      const view = views.get(name);
      if (!view) throw new Error(`no weight of PyanNet is called "${name}"`);
      const values = weights.readFloat32(view.from);
      return view.change ? view.change(values, view.info.shape) : values;
    },
  };
}

interface View {
  readonly from: string;
  readonly info: WeightInfo;
  readonly change?: (values: Float32Array, shape: readonly number[]) => Float32Array;
}

/** The tensors of torch's layout that one of MLX's stands for. */
function viewsOf(from: string, info: WeightInfo): [string, View][] {
  if (from === 'sincnet.conv.0.weight') return [[READY_FILTERS, { from, info }]];
  const convolution = /^sincnet\.conv\.([12])\.weight$/.exec(from);
  if (convolution) {
    const [outputs = 0, taps = 0, inputs = 0] = info.shape;
    const shaped = { ...info, shape: [outputs, inputs, taps] };
    return [[`sincnet.conv1d.${convolution[1]}.weight`, { from, info: shaped, change: tapsLast }]];
  }
  const lstm = /^lstm_(fwd|bwd)\.layers\.(\d+)\.(Wx|Wh|bias)$/.exec(from);
  if (!lstm) return [[renamed(from), { from, info }]];
  const suffix = `_l${lstm[2]}${lstm[1] === 'bwd' ? '_reverse' : ''}`;
  if (lstm[3] === 'Wx') return [[`lstm.weight_ih${suffix}`, { from, info }]];
  if (lstm[3] === 'Wh') return [[`lstm.weight_hh${suffix}`, { from, info }]];
  return [
    [`lstm.bias_ih${suffix}`, { from, info }],
    [`lstm.bias_hh${suffix}`, { from, info, change: (values) => new Float32Array(values.length) }],
  ];
}

function renamed(name: string): string {
  return name
    .replace(/^sincnet\.conv\./, 'sincnet.conv1d.')
    .replace(/^sincnet\.norm\./, 'sincnet.norm1d.')
    .replace(/^sincnet\.wav_norm\./, 'sincnet.wav_norm1d.');
}

/** (outputs, taps, inputs) → (outputs, inputs, taps); `shape` is that of the result. */
function tapsLast(values: Float32Array, shape: readonly number[]): Float32Array {
  const [, inputs = 0, taps = 0] = shape;
  return values.map((_, at) => {
    const [tap, input] = [at % taps, Math.floor(at / taps) % inputs];
    return values[(Math.floor(at / (taps * inputs)) * taps + tap) * inputs + input]!;
  });
}
