/** The command line as vLLM reads it: what it does not know ends it. */

export interface ServeArguments {
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly maxModelLen: number;
  readonly hasSleepMode: boolean;
}

const WITH_VALUE = [
  '--host',
  '--port',
  '--tokenizer-mode',
  '--config-format',
  '--load-format',
  '--max-model-len',
  '--gpu-memory-utilization',
  '--compilation_config',
  '--max-num-seqs',
];

/** @throws Error with the words of Python's argparse */
export function readArguments(words: readonly string[]): ServeArguments {
  const [command, model, ...rest] = words;
  if (command !== 'serve') throw new Error(`argument subparser: invalid choice: '${command}'`);
  if (model === undefined || !model.includes('/')) throw new Error('a model is needed');
  const values = new Map<string, string>();
  let hasSleepMode = false;
  for (let i = 0; i < rest.length; i += 1) {
    const name = rest[i]!;
    if (name === '--enable-sleep-mode') {
      hasSleepMode = true;
    } else if (WITH_VALUE.includes(name)) {
      values.set(name, rest[i + 1] ?? '');
      i += 1;
    } else {
      throw new Error(`unrecognized arguments: ${name}`);
    }
  }
  if (values.get('--tokenizer-mode') !== 'mistral') throw new Error('Voxtral needs its tokenizer');
  if (values.has('--compilation_config')) JSON.parse(values.get('--compilation_config')!);
  const port = Number(values.get('--port') ?? 8000);
  const share = Number(values.get('--gpu-memory-utilization') ?? 0.9);
  if (!(share > 0 && share <= 1)) throw new Error('gpu_memory_utilization must be in (0, 1]');
  return {
    model,
    port,
    host: values.get('--host') ?? '0.0.0.0',
    maxModelLen: Number(values.get('--max-model-len') ?? 131_072),
    hasSleepMode,
  };
}
