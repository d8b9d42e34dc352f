/** Settings and model → the command that starts vLLM, directly or inside WSL. Pure. */
import type { VoxtralModel } from '#origin/voxtral/models.ts';
import { type VllmLaunch, VoxtralEnvironment } from '#origin/voxtral/voxtral-settings.ts';

export interface VllmCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The variable by which the processes of one run are known, also after the service itself is gone. */
export const RUN_VARIABLE = 'MANA_STT_VLLM_RUN';

export interface CommandContext {
  /** Letters and digits: names this run. */
  readonly runId: string;
  /** Of this service; vLLM gets what of it is not ours alone. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function toVllmCommand(
  model: VoxtralModel,
  launch: VllmLaunch,
  { runId, environment }: CommandContext,
): VllmCommand {
  const serve = [...launch.command, ...serveArgs(model, launch)];
  const variables = ownVariables(runId, launch);
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !isOurs(name)));
  if (launch.wsl !== null) {
    const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    // `env` is a program of the distribution: Windows' own variables do not cross over.
    const inside = ['env', ...UNWANTED.flatMap((name) => ['-u', name]), ...assignments, ...serve];
    return { ...toWslCommand(launch.wsl, inside), env: { ...kept, ...crossing(kept) } };
  }
  const [program = '', ...args] = serve;
  return { program, args, env: { ...kept, ...variables } };
}

/** A program inside WSL, without a shell in between. */
export function toWslCommand(
  wsl: { readonly distribution: string | null },
  inside: readonly string[],
): { readonly program: string; readonly args: readonly string[] } {
  const where = wsl.distribution === null ? [] : ['--distribution', wsl.distribution];
  return { program: 'wsl.exe', args: [...where, '--exec', ...inside] };
}

function serveArgs(model: VoxtralModel, launch: VllmLaunch): string[] {
  return [
    'serve',
    model.repository,
    // Loopback only: the routes for sleep know no key, and before 0.24.0 a large body could exhaust the memory.
    '--host',
    '127.0.0.1',
    '--port',
    String(launch.port),
    ...model.flags,
    '--max-model-len',
    String(model.contextTokens),
    '--gpu-memory-utilization',
    String(launch.gpuMemoryUtilization),
    ...(launch.idleAction === 'stop' ? [] : ['--enable-sleep-mode']),
    ...launch.extraArgs,
  ];
}

function ownVariables(runId: string, { idleAction }: VllmLaunch): Record<string, string> {
  return {
    [RUN_VARIABLE]: runId,
    // Titles of processes would overwrite the variable above.
    SPT_NOENV: '1',
    PYTHONUNBUFFERED: '1',
    VLLM_NO_USAGE_STATS: '1',
    VLLM_DISABLE_COMPILE_CACHE: '1',
    // The routes for sleep exist in this mode only.
    ...(idleAction !== 'stop' && { VLLM_SERVER_DEV_MODE: '1' }),
  };
}

/** `expandable_segments` in these lets sleep free nothing at all (vLLM PR 11743). */
const UNWANTED: readonly string[] = ['PYTORCH_CUDA_ALLOC_CONF', 'PYTORCH_ALLOC_CONF'];

/**
 * Our own settings mean other things to vLLM: VLLM_PORT is where its processes talk to one another, VLLM_API_KEY makes it
 * ask for a key. And our secrets are none of its business; Hugging Face's token is.
 */
function isOurs(name: string): boolean {
  return UNWANTED.includes(name) || name in VoxtralEnvironment || SECRET.test(name);
}

const SECRET = /(API|PRIVATE|ASSERTION)_KEYS?(_FILE)?$|SECRET|PASSWORD|^MISTRAL_/i;

/** What WSL is asked to hand over: the settings of downloads. Source: learn.microsoft.com, "WSLENV". */
function crossing(environment: Readonly<Record<string, string | undefined>>) {
  const names = ['HF_TOKEN', 'HF_ENDPOINT', 'HTTPS_PROXY'].filter((name) => environment[name]);
  const before = environment['WSLENV'];
  const all = [...(before === undefined ? [] : [before]), ...names.map((name) => `${name}/u`)];
  return all.length === 0 ? {} : { WSLENV: all.join(':') };
}
