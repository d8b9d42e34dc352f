import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { DataFile } from '#models/onnx/data-file.ts';
import { ModelBuilder, type WeightSource } from '#models/onnx/model-builder.ts';

/** Builds one graph into `dir/name.onnx`. @returns its path */
export function buildGraph(
  weights: WeightSource,
  { dir, name, fill }: { dir: string; name: string; fill: (model: ModelBuilder) => void },
): string {
  mkdirSync(dir, { recursive: true });
  const data = new DataFile(join(dir, 'weights.data'));
  try {
    const model = new ModelBuilder(name, weights, data);
    fill(model);
    const path = join(dir, `${name}.onnx`);
    model.save(path);
    return path;
  } finally {
    data.close();
  }
}

export function loadGraph(path: string): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(path, { executionProviders: ['cpu'], intraOpNumThreads: 2 });
}

/** Output `name` for one waveform. */
export async function runOn(
  session: ort.InferenceSession,
  samples: Float32Array,
  name: string,
): Promise<Float32Array> {
  const waveform = new ort.Tensor('float32', samples, [1, samples.length]);
  const output = (await session.run({ waveform }))[name];
  if (!(output?.data instanceof Float32Array)) throw new Error(`no "${name}"`);
  return output.data;
}

/** Weights kept in memory, e.g. published ones in another layout. */
export function weightsOf(
  tensors: Readonly<Record<string, { shape: readonly number[]; values: Float32Array }>>,
): WeightSource {
  const info = (shape: readonly number[]) => {
    const byteLength = 4 * shape.reduce((product, size) => product * size, 1);
    return { dtype: 'F32', shape, file: 'none', offset: 0, byteLength };
  };
  return {
    tensors: new Map(Object.entries(tensors).map(([name, { shape }]) => [name, info(shape)])),
    readFloat32(name) {
      const tensor = tensors[name];
      if (!tensor) throw new Error(`no tensor "${name}"`);
      return tensor.values.slice();
    },
  };
}
