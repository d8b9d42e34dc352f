import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { DataFile } from '#models/onnx/data-file.ts';
import { ModelBuilder, type WeightInfo } from '#models/onnx/model-builder.ts';
import { add, cast, concat, int, mul, scalar, sizeOf, unsqueeze } from '#models/onnx/ops.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

const WEIGHTS: ReadonlyMap<string, WeightInfo> = new Map(
  ['model.encoder.conv1.weight', 'model.encoder.conv1.bias', 'model.decoder.norm.weight'].map(
    (name) => [
      name,
      {
        dtype: 'F32',
        shape: name.endsWith('conv1.weight') ? [2, 3, 3] : [2],
        file: 'model.safetensors',
        offset: 0,
        byteLength: 8,
      },
    ],
  ),
);

/** A model of its own in a folder of its own; its data file is closed when it is run. */
function newModel(): { model: ModelBuilder; run: (feeds: Feeds) => Promise<Results> } {
  const dir = tempDir();
  const data = new DataFile(join(dir, 'weights.data'));
  const weights = { tensors: WEIGHTS, readFloat32: () => new Float32Array() };
  const model = new ModelBuilder('test', weights, data);
  const run = async (feeds: Feeds) => {
    data.close();
    const path = join(dir, 'test.onnx');
    model.save(path);
    const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
    const results = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, { data: values, dims }]) => [
        name,
        { values: Array.from(values as Float32Array | BigInt64Array, Number), dims: [...dims] },
      ]),
    );
  };
  return { model, run };
}
type Feeds = Record<string, Tensor>;
type Results = Record<string, { values: number[]; dims: number[] }>;

const float = (values: number[], dims = [values.length]) => new Tensor('float32', values, dims);

describe('GraphBuilder.op', () => {
  it('refuses an operator that is not listed, by its name', () => {
    const g = newModel().model.graph;
    expect(() => g.op('Einsum', [])).toThrow(/"Einsum" is not in models\/onnx\/operators/);
  });

  it('refuses mixed types, with the names and types of the inputs', () => {
    const g = newModel().model.graph;
    const a = g.input('a', 'float32', [1]);
    const b = g.input('b', 'int64', [1]);
    expect(() => g.within('layer0', () => g.op('Add', [a, b]))).toThrow(
      'layer0/Add mixes types: a: float32, b: int64',
    );
  });

  it('refuses an operator whose type cannot be known and is not stated', () => {
    const g = newModel().model.graph;
    const a = g.input('a', 'float32', [1]);
    expect(() => g.op('Cast', [a], { to: 7 })).toThrow(/state its type/);
  });

  it('follows types and ranks through the graph', () => {
    const g = newModel().model.graph;
    const a = g.input('a', 'float32', ['n', 4]);
    const at = g.input('at', 'int64', [2, 3, 5]);
    expect(g.op('Gather', [a, at])).toMatchObject({ type: 'float32', rank: 4 });
    expect(g.op('Less', [a, a])).toMatchObject({ type: 'bool', rank: 2 });
    expect(g.op('ReduceMax', [a, at], { keepdims: 0 })).toMatchObject({ rank: 1 });
    expect(sizeOf(g, a, 0)).toMatchObject({ type: 'int64', rank: 1 });
  });
});

describe('GraphBuilder.output', () => {
  it('refuses dimensions of another rank than the value has', () => {
    const g = newModel().model.graph;
    const a = g.input('a', 'float32', ['n']);
    expect(() => g.output('b', a, ['n', 2])).toThrow('output "b" has rank 1, declared 2');
  });
});

describe('ModelBuilder.shapeOf', () => {
  it('refuses a name that no weight has and suggests the closest ones', () => {
    const { model } = newModel();
    expect(() => model.shapeOf('model.encoder.conv1.wieght', 1)).toThrow(
      'no weight is called "model.encoder.conv1.wieght"; close names: model.encoder.conv1.bias, model.encoder.conv1.weight',
    );
    expect(() => model.shapeOf('q', 1)).toThrow('close names: none');
  });

  it('refuses a weight of another rank, with its shape', () => {
    const { model } = newModel();
    expect(() => model.shapeOf('model.encoder.conv1.weight', 2)).toThrow(
      'weight "model.encoder.conv1.weight" has shape [2,3,3], a tensor of rank 2 is needed',
    );
    expect(model.shapeOf('model.encoder.conv1.weight', 3)).toEqual([2, 3, 3]);
  });
});

describe('GraphBuilder.loop', () => {
  it('refuses a body that changes the type of what it carries', () => {
    const g = newModel().model.graph;
    const start = { maxTrips: int(g, 3), condition: g.op('Equal', [int(g, 0), int(g, 0)]) };
    expect(() =>
      g.loop({ ...start, carried: [scalar(g, 0)] }, (body, { iteration }) => ({
        condition: body.op('Equal', [iteration, iteration]),
        carried: [iteration],
        scans: [],
      })),
    ).toThrow('loop: expected float32 of rank 0; found int64 of rank 0');
  });

  it('carries values, stacks scans and stops at its condition or its limit', async () => {
    const { model, run } = newModel();
    const g = model.graph;
    const start = g.input('start', 'float32', []);
    const limit = g.input('limit', 'float32', []);
    const trips = g.input('trips', 'int64', []);
    const { carried, scans } = g.loop(
      { maxTrips: trips, condition: g.op('Less', [start, limit]), carried: [start] },
      (body, { iteration, carried: [x = start] }) => {
        const doubled = add(body, x, x);
        // `limit` comes from the graph around.
        const condition = body.op('Less', [doubled, limit]);
        return { condition, carried: [doubled], scans: [iteration, x] };
      },
    );
    g.output('last', carried[0] ?? start, []);
    g.output('iterations', scans[0] ?? start, ['steps']);
    g.output('seen', scans[1] ?? start, ['steps']);
    const feeds = (most: bigint) => ({
      start: float([3], []),
      limit: float([40], []),
      trips: new Tensor('int64', [most], []),
    });
    expect(await run(feeds(100n))).toEqual({
      last: { values: [48], dims: [] },
      iterations: { values: [0, 1, 2, 3], dims: [4] },
      seen: { values: [3, 6, 12, 24], dims: [4] },
    });
  });

  it('hands over a value of the graph around and one value twice', async () => {
    const { model, run } = newModel();
    const g = model.graph;
    const x = g.input('x', 'float32', ['n']);
    const { carried, scans } = g.loop(
      { maxTrips: int(g, 2), condition: g.op('Equal', [int(g, 0), int(g, 0)]), carried: [x, x] },
      (body, { iteration }) => {
        const twice = add(body, x, x);
        return {
          condition: body.op('Equal', [iteration, iteration]),
          carried: [x, twice],
          scans: [twice, twice],
        };
      },
    );
    for (const [i, value] of [...carried, ...scans].entries()) {
      g.output(`out${i}`, value, value.rank === 1 ? ['n'] : ['steps', 'n']);
    }
    const results = await run({ x: float([1, 2]) });
    expect(Object.values(results).map(({ values }) => values)).toEqual([
      [1, 2],
      [2, 4],
      [2, 4, 2, 4],
      [2, 4, 2, 4],
    ]);
  });
});

describe('GraphBuilder.if', () => {
  it('refuses branches of different types', () => {
    const g = newModel().model.graph;
    const x = g.input('x', 'float32', ['n']);
    const yes = g.input('yes', 'bool', []);
    expect(() =>
      g.if(
        yes,
        (then) => [add(then, x, x)],
        (otherwise) => [unsqueeze(otherwise, x, 0)],
      ),
    ).toThrow('if: expected float32 of rank 1; found float32 of rank 2');
  });

  it.each([
    [true, [10, 20]],
    [false, [1, 2, 1, 2]],
  ])('computes the branch for %s', async (chosen, expected) => {
    const { model, run } = newModel();
    const g = model.graph;
    const x = g.input('x', 'float32', ['n']);
    const yes = g.input('yes', 'bool', []);
    const [y = x] = g.if(
      yes,
      (then) => [mul(then, x, cast(then, int(then, 10), 'float32'))],
      (otherwise) => [concat(otherwise, [x, x], 0)],
    );
    g.output('y', y, ['m']);
    const condition = new Tensor('bool', [chosen], []);
    expect((await run({ x: float([1, 2]), yes: condition }))['y']?.values).toEqual(expected);
  });
});
