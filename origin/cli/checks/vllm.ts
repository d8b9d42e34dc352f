/** vLLM, which serves Voxtral. Its settings are read from the environment: USE_VLLM and VLLM_URL. */
import { z } from 'zod';
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';

const DEFAULT_URL = 'http://localhost:8100';

const Models = z.object({ data: z.array(z.object({ id: z.string().max(200) })) });

export async function checkVllm(probes: Probes): Promise<Finding[]> {
  const given = probes.environment['VLLM_URL']?.trim() ?? '';
  const isWanted = /^(true|1|yes|on)$/i.test(probes.environment['USE_VLLM']?.trim() ?? '');
  if (!isWanted) return [];
  const url = (given === '' ? DEFAULT_URL : given).replace(/\/+$/, '');
  if (!URL.canParse(url)) {
    return [fault('vllm', 'VLLM_URL is no address', 'Write one such as http://localhost:8100.')];
  }
  const { origin } = new URL(url);
  const models = Models.safeParse(await probes.getJson(`${url}/v1/models`));
  if (!models.success) return [await describeSilence(probes, origin)];
  const voxtral = models.data.data.find(({ id }) => /voxtral/i.test(id));
  if (voxtral !== undefined) return [ok('vllm', `${origin} serves ${voxtral.id}`)];
  const action = 'Start it with: vllm serve mistralai/Voxtral-Mini-3B-2507';
  return [fault('vllm', `${origin} answers, but serves no Voxtral model`, action)];
}

async function describeSilence(probes: Probes, origin: string): Promise<Finding> {
  const installed = await probes.run('vllm', ['--version']);
  const silent = `USE_VLLM is set, but nothing answers at ${origin}`;
  if (installed?.exitCode === 0) {
    return warning('vllm', silent, 'vLLM is installed: start it, and wait until it has loaded.');
  }
  const action = 'Install and start vLLM, correct VLLM_URL, or take USE_VLLM away.';
  return fault('vllm', `${silent}, and vLLM is not installed here`, action);
}
