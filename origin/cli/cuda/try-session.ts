/**
 * `node origin/cli/cuda/try-session.ts cuda`: opens a small model on an execution provider, runs it and checks the
 * result. The last line on stdout is `{"ok": true}` or `{"ok": false, "problem": "…"}`.
 */
import onnxProto from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const { onnx } = onnxProto;

/** 1..4 as (1, 1, 2, 2), times itself, then a 1×1 convolution with 2: a matrix product and a cuDNN call. */
const INPUT = new Float32Array([1, 2, 3, 4]);
const KERNEL = new Float32Array([2]);
const EXPECTED = [14, 20, 30, 44];

async function trySession(provider: string): Promise<void> {
  const session = await InferenceSession.create(smallModel(), { executionProviders: [provider] });
  const outputs = await session.run({ x: new Tensor('float32', INPUT, [1, 1, 2, 2]) });
  const found = [...(outputs['y']?.data ?? [])];
  if (found.length !== EXPECTED.length || found.some((value, i) => value !== EXPECTED[i])) {
    throw new Error(`2·x·x gave ${found.join(', ')} instead of ${EXPECTED.join(', ')}`);
  }
}

function smallModel(): Uint8Array {
  const { FLOAT } = onnx.TensorProto.DataType;
  const tensorType = {
    elemType: FLOAT,
    shape: { dim: [1, 1, 2, 2].map((dimValue) => ({ dimValue })) },
  };
  const model = onnx.ModelProto.create({
    irVersion: 9,
    opsetImport: [{ domain: '', version: 18 }],
    graph: {
      name: 'try-session',
      node: [
        { opType: 'MatMul', input: ['x', 'x'], output: ['product'] },
        { opType: 'Conv', input: ['product', 'kernel'], output: ['y'] },
      ],
      initializer: [
        { name: 'kernel', dataType: FLOAT, dims: [1, 1, 1, 1], floatData: [...KERNEL] },
      ],
      input: [{ name: 'x', type: { tensorType } }],
      output: [{ name: 'y', type: { tensorType } }],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

trySession(process.argv[2] ?? 'cuda').then(
  () => process.stdout.write(`${JSON.stringify({ ok: true })}\n`),
  (error: unknown) => {
    const problem = error instanceof Error ? error.message : String(error);
    process.stdout.write(`${JSON.stringify({ ok: false, problem })}\n`);
    process.exitCode = 1;
  },
);
