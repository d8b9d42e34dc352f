/** A process that owns a supervised stand-in for vLLM, as the service does, until somebody kills it. */
import { findVoxtralModel } from '#origin/voxtral/models.ts';
import { VllmSupervisor } from '#origin/voxtral/supervisor.ts';
import { ok } from '#shared/result.ts';
import { MODES_VARIABLE } from '#test/support/vllm-stand-in/modes.ts';

const [port = '0', runFile = ''] = process.argv.slice(2);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

const vllm = new VllmSupervisor({
  model: findVoxtralModel('3B')!,
  environment: { ...process.env, [MODES_VARIABLE]: JSON.stringify({ hasEngine: true }) },
  runFile,
  log: silent,
  launch: {
    command: [process.execPath, `${import.meta.dirname}/vllm-stand-in/main.ts`],
    port: Number(port),
    extraArgs: [],
    gpuMemoryUtilization: 0.62,
    wsl: null,
    startTimeoutSeconds: 60,
    idleTimeoutSeconds: 300,
    idleAction: 'sleep-1',
  },
});

const { signal } = new AbortController();
const result = await vllm.use(async () => ok('up'), { signal, maxWaitMs: 60_000 });
process.stdout.write(`${JSON.stringify(result)}\n`);
