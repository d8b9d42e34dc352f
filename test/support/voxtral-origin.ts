/** An origin as it is run, which starts the stand-in for vLLM by itself and knows the one for Mistral. */
import { join } from 'node:path';
import { type MistralStandIn, startMistralStandIn } from '#test/support/mistral-stand-in.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { BRAIN_VARIABLE, MODES_VARIABLE, type Modes } from '#test/support/vllm-stand-in/modes.ts';
import type { SeenRequest } from '#test/support/vllm-stand-in/server.ts';
import { freePort, STAND_IN } from '#test/support/vllm-world.ts';

export interface VoxtralOrigin extends RunningOrigin {
  readonly mistral: MistralStandIn;
  /** What vLLM was asked since it started. */
  requests(): Promise<readonly SeenRequest[]>;
  /** Fulfils when so many transcriptions have begun at vLLM. */
  begun(count: number): Promise<void>;
  /** Of a vLLM that runs. */
  setModes(modes: Partial<Modes>): Promise<void>;
}

export const BRAINS = {
  fixtures: join(import.meta.dirname, 'vllm-stand-in/fixture-brain.ts'),
  whisper: join(import.meta.dirname, 'vllm-stand-in/whisper-brain.ts'),
} as const;

export interface VoxtralOriginOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly modes?: Partial<Modes>;
  readonly brain?: string;
}

export async function startVoxtralOrigin(
  options: VoxtralOriginOptions = {},
): Promise<VoxtralOrigin> {
  const { settings = {}, modes = {}, brain = BRAINS.fixtures } = options;
  const mistral = await startMistralStandIn();
  const port = await freePort();
  const vllmUrl = `http://127.0.0.1:${port}`;
  const origin = await startOrigin({
    USE_VLLM: 'true',
    VLLM_PORT: String(port),
    VLLM_COMMAND: `"${process.execPath}" "${STAND_IN}"`,
    MISTRAL_API_KEY: mistral.apiKey,
    MISTRAL_BASE_URL: mistral.baseUrl,
    [BRAIN_VARIABLE]: brain,
    [MODES_VARIABLE]: JSON.stringify(modes),
    ...settings,
  });
  const ask = async (path: string, init?: RequestInit) =>
    await fetch(`${vllmUrl}/stand-in/${path}`, init);
  return {
    ...origin,
    mistral,
    requests: async () => (await (await ask('requests')).json()) as SeenRequest[],
    begun: async (count) => void (await ask(`begun?count=${count}`)),
    setModes: async (next) =>
      void (await ask('modes', { method: 'POST', body: JSON.stringify(next) })),
    stop: async () => {
      await origin.stop();
      await mistral.close();
    },
  };
}
