/** vLLM, which serves Voxtral: somebody else's at VLLM_URL, or one that the service starts itself. */
import { z } from 'zod';
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import { findGpus } from '#origin/cli/checks/gpu-driver.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { toWslCommand } from '#origin/voxtral/vllm-command.ts';
import {
  toVoxtralSettings,
  type VllmLaunch,
  VoxtralEnvironment,
  type VoxtralSettings,
} from '#origin/voxtral/voxtral-settings.ts';

const Models = z.object({ data: z.array(z.object({ id: z.string().max(200) })) });

/** Nothing to say without USE_VLLM. Settings that cannot be used are told by the check of all settings. */
export async function checkVllm(probes: Probes): Promise<Finding[]> {
  const given = Object.entries(probes.environment).filter(([, value]) => (value ?? '') !== '');
  const parsed = z.object(VoxtralEnvironment).safeParse(Object.fromEntries(given));
  const settings = parsed.success ? toVoxtralSettings(parsed.data, asPlatform(probes)) : null;
  if (settings === null) return [];
  const { server } = settings;
  return server.kind === 'external'
    ? [await checkExternal(probes, settings.model, server)]
    : [
        await checkLaunch(probes, settings.model, server.launch),
        ...(await checkRoom(probes, settings.model, server.launch)),
      ];
}

type Model = VoxtralSettings['model'];

async function checkExternal(
  probes: Probes,
  model: Model,
  { baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey: string | null },
): Promise<Finding> {
  const { origin } = new URL(baseUrl);
  const headers = apiKey === null ? {} : { Authorization: `Bearer ${apiKey}` };
  const served = await servedModels(probes, baseUrl, headers);
  if (served === null) {
    const action = 'Start it, correct VLLM_URL or VLLM_API_KEY, or unset USE_VLLM.';
    return fault('vllm', `no vLLM answers at ${origin}`, action);
  }
  if (served.includes(model.repository)) return ok('vllm', `${origin} serves ${model.repository}`);
  const found = served.join(', ') || 'nothing';
  const action = `Start it with: vllm serve ${model.repository}; or set VOXTRAL_MODEL.`;
  return fault('vllm', `${origin} serves ${found}, not ${model.repository}`, action);
}

async function checkLaunch(probes: Probes, model: Model, launch: VllmLaunch): Promise<Finding> {
  const address = `http://127.0.0.1:${launch.port}`;
  if ((await probes.tryToListen('127.0.0.1', launch.port)) === 'EADDRINUSE') {
    const served = await servedModels(probes, address);
    if (served?.includes(model.repository)) return ok('vllm', `runs, with ${model.repository}`);
    const action = 'End the other program, or set VLLM_PORT.';
    return fault('vllm', `port ${launch.port} is taken, but not by our vLLM`, action);
  }
  const version = [...launch.command, '--version'];
  const [program = '', ...args] = launch.wsl === null ? version : wslWords(launch.wsl, version);
  const result = await probes.run(program, args);
  if (result?.exitCode === 0) {
    const found = result.stdout.trim().split('\n').at(-1)?.slice(0, 40) ?? '';
    return ok('vllm', `${found} is installed; the service starts it when it is needed`);
  }
  const action = 'Install it (pip install vllm), or name it with VLLM_COMMAND or VLLM_PYTHON.';
  return fault('vllm', `USE_VLLM is set, but "${version.join(' ')}" does not run`, action);
}

/** The largest card must hold the model in the share that vLLM may take. */
async function checkRoom(probes: Probes, model: Model, launch: VllmLaunch): Promise<Finding[]> {
  const search = await findGpus(probes);
  if (search.state !== 'found') return [];
  const mib = Math.max(...search.gpus.map(({ memoryMib }) => memoryMib));
  const share = Math.floor(mib * launch.gpuMemoryUtilization);
  if (share >= model.neededMib) return [];
  const message = `${model.id} needs about ${model.neededMib} MiB; vLLM may take ${share} of ${mib}`;
  const action = 'Raise VLLM_GPU_MEMORY_UTILIZATION, or take a smaller VOXTRAL_MODEL.';
  return [warning('vllm', message, action)];
}

async function servedModels(
  probes: Probes,
  baseUrl: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string[] | null> {
  const url = `${baseUrl.replace(/\/+$/, '')}/v1/models`;
  const models = Models.safeParse(await probes.getJson(url, headers));
  return models.success ? models.data.data.map(({ id }) => id) : null;
}

function wslWords(wsl: NonNullable<VllmLaunch['wsl']>, inside: readonly string[]): string[] {
  const { program, args } = toWslCommand(wsl, inside);
  return [program, ...args];
}

function asPlatform({ platform }: Probes): NodeJS.Platform {
  return platform === 'win32' ? 'win32' : 'linux';
}
