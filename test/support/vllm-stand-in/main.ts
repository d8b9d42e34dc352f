/**
 * A program that behaves like `vllm serve` with a Voxtral model, as far as we use it, and is as strict. The real
 * supervisor starts it: VLLM_COMMAND="node test/support/vllm-stand-in/main.ts". `modes.ts` says how it goes wrong.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { readArguments, type ServeArguments } from '#test/support/vllm-stand-in/arguments.ts';
import { Memory } from '#test/support/vllm-stand-in/memory.ts';
import {
  BRAIN_VARIABLE,
  GOOD_MODES,
  type Hear,
  MODES_VARIABLE,
  type Modes,
} from '#test/support/vllm-stand-in/modes.ts';
import { createStandInServer } from '#test/support/vllm-stand-in/server.ts';
import { hear as hearSpokenWords } from '#test/support/vllm-stand-in/spoken-words.ts';

/** Whatever a test forgets ends by itself. */
const LONGEST_LIFE_MS = 300_000;
setTimeout(() => process.exit(0), LONGEST_LIFE_MS);

const modes: Modes = {
  ...GOOD_MODES,
  ...(JSON.parse(process.env[MODES_VARIABLE] ?? '{}') as Partial<Modes>),
};

try {
  await serve(readArguments(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`vllm: error: ${error instanceof Error ? error.message : error}\n`);
  process.exit(2);
}

async function serve(args: ServeArguments): Promise<void> {
  if (modes.isStubborn) process.on('SIGTERM', () => undefined);
  if (modes.hasEngine) startEngine();
  await load(args.model);
  const server = createStandInServer({
    model: args.model,
    maxModelLen: args.maxModelLen,
    hasSleep: args.hasSleepMode && process.env['VLLM_SERVER_DEV_MODE'] === '1',
    memory: new Memory(),
    hear: await findBrain(),
    modes: { current: modes },
  });
  server.on('error', (error) => {
    process.stderr.write(`OSError: ${error.message}: address already in use\n`);
    process.exit(1);
  });
  server.listen(args.port, args.host);
  await once(server, 'listening');
  process.stderr.write('INFO:     Application startup complete.\n');
}

/** The lines of a start, as vLLM writes them, to both streams. */
async function load(model: string): Promise<void> {
  if (modes.start === 'silent') await once(process, 'SIGUSR2');
  process.stdout.write(
    `(APIServer pid=1) INFO 11-25 17:00:00 [api_server.py:1] vLLM API server version 0.24.0, model ${model}\n`,
  );
  if (modes.start === 'crash') throw new Error('EngineCore failed to start.');
  if (modes.start === 'out_of_memory') {
    throw new Error('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.');
  }
  // Before anybody can see that it waits: without a listener the signal would end it.
  const go = modes.start === 'wait' ? once(process, 'SIGUSR2') : null;
  process.stderr.write(
    'Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:01<00:01,  1.10s/it]\n',
  );
  await go;
  process.stderr.write(
    'Loading safetensors checkpoint shards: 100% Completed | 2/2 [00:02<00:00,  1.10s/it]\n',
  );
  process.stderr.write(
    '\rCapturing CUDA graphs (PIECEWISE):  90%|█████ | 60/67\rCapturing CUDA graphs (PIECEWISE): 100%|██████| 67/67\n',
  );
}

/** It has the variables of its parent, and no pipe to it. */
function startEngine(): void {
  const code = `process.title = 'VLLM::EngineCore'; setTimeout(() => {}, ${LONGEST_LIFE_MS});`;
  spawn(process.execPath, ['-e', code], { stdio: 'ignore' }).unref();
}

async function findBrain(): Promise<Hear> {
  const path = process.env[BRAIN_VARIABLE];
  if (path === undefined) return hearSpokenWords;
  const { hear } = (await import(pathToFileURL(path).href)) as { hear: Hear };
  return hear;
}
