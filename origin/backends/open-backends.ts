/** The composition of the backends: a vLLM of our own or of others, Mistral where there is a key, and the engine. */
import type { Backend, RoutedWork } from '#origin/backends/backend.ts';
import { mistralBackend } from '#origin/backends/mistral-backend.ts';
import { type RoutedOutcome, routeRecording } from '#origin/backends/route-recording.ts';
import { voxtralBackend } from '#origin/backends/voxtral-backend.ts';
import { whisperBackend } from '#origin/backends/whisper-backend.ts';
import type { OriginConfig } from '#origin/config.ts';
import type { Logger } from '#origin/logger.ts';
import type { OriginMetrics } from '#origin/metrics/metrics.ts';
import type { Transcriber, VoxtralTranscriber } from '#origin/pipeline/transcriber.ts';
import { openVoxtral } from '#origin/voxtral/open-voxtral.ts';
import type { VoxtralSettings } from '#origin/voxtral/voxtral-settings.ts';
import { gpuReader } from '#origin/vram/gpu-reading.ts';
import { MISTRAL_MODELS } from '#shared/mistral/capabilities.ts';
import { MISTRAL_BACKEND } from '#shared/routing/backend-states.ts';
import { createMemoryBreakers } from '#shared/routing/breaker-table.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

/** All that can answer `/transcribe/auto` and `/transcribe/voxtral`. */
export interface Backends {
  /** Settles only when nobody reads the recording any more. */
  transcribe(work: RoutedWork): Promise<RoutedOutcome>;
  /** What can be asked for by name. */
  readonly models: { readonly local: readonly string[]; readonly hosted: readonly string[] };
  health(): Promise<BackendsHealth>;
  /** Ends a vLLM of our own. */
  close(): Promise<void>;
}

export interface BackendsHealth {
  readonly isVllmAvailable: boolean;
  /** Null: none is used. */
  readonly vllmUrl: string | null;
  /** There is a key, and it did not fail too often just now. */
  readonly isMistralAvailable: boolean;
}

export interface BackendsDependencies {
  readonly config: Pick<
    OriginConfig,
    'dataDir' | 'nvidiaSmi' | 'voxtral' | 'mistral' | 'isFallbackEnabled'
  >;
  readonly transcriber: Transcriber & VoxtralTranscriber;
  readonly logger: Logger;
  readonly metrics: Pick<OriginMetrics, 'setModelLoaded' | 'countBackendAttempt'>;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Of the process; a vLLM of our own gets it without our settings. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Nothing is started before it is used; what an earlier run left behind is ended. Whoever opens them calls `close`. */
export async function openBackends(deps: BackendsDependencies): Promise<Backends> {
  const { config, logger, metrics, transcriber, now } = deps;
  const { voxtral = null, mistral: settings = null, isFallbackEnabled = true } = config;
  const server = await openVoxtral(voxtral, {
    dataDir: config.dataDir,
    environment: deps.environment,
    log: logger.child({ part: 'vllm' }),
    readUsedMib: usedMibBy(config.nvidiaSmi),
    onState: ({ state }) => {
      if (voxtral !== null) metrics.setModelLoaded(voxtral.model.id, state === 'ready');
    },
  });
  const mistral = mistralBackend({ settings, logger, fetch, now: Date.now });
  const backends: Backend[] = [whisperBackend(transcriber), mistral];
  if (voxtral !== null && server !== null) {
    const access = { server, settings: voxtral };
    backends.push(voxtralBackend({ transcriber, access }));
  }
  const breakers = createMemoryBreakers({ now: Date.now });
  const isVllmAvailable = rememberFor(
    HEALTH_AGE_MS,
    async () => (await server?.isAvailable()) ?? false,
    now,
  );
  const onAttempt = ({ backend, code }: Attempt) => metrics.countBackendAttempt(backend, code);
  const tools = { backends, breakers, isFallbackEnabled, now, onAttempt };
  return {
    transcribe: (work) => routeRecording(work, tools),
    models: {
      local: server === null ? [] : [server.model.id],
      hosted: settings === null ? [] : MISTRAL_MODELS.map(({ id }) => id),
    },
    async health() {
      const views = await breakers.look();
      const isFailing = views.some(({ backend, isOpen }) => backend === MISTRAL_BACKEND && isOpen);
      return {
        isVllmAvailable: await isVllmAvailable(),
        vllmUrl: voxtral === null ? null : addressOf(voxtral),
        isMistralAvailable: settings !== null && !isFailing,
      };
    },
    close: async () => await server?.stop(),
  };
}

/** All cards together: after a vLLM has let go, the difference is what counts. Null where nobody can tell. */
function usedMibBy(command: string): () => Promise<number | null> {
  const read = gpuReader({ command });
  return async () => {
    const reading = await read([]);
    if (!reading.ok) return null;
    return reading.value.devices.reduce((sum, { usedMib }) => sum + usedMib, 0);
  };
}

/** Health is asked for by everyone; vLLM once in so long. */
const HEALTH_AGE_MS = 5000;

function rememberFor<Value>(
  ageMs: number,
  ask: () => Promise<Value>,
  now: () => number,
): () => Promise<Value> {
  let last: { readonly value: Promise<Value>; readonly atMs: number } | null = null;
  return () => {
    if (last === null || now() - last.atMs > ageMs) last = { value: ask(), atMs: now() };
    return last.value;
  };
}

function addressOf({ server }: VoxtralSettings): string {
  return server.kind === 'external' ? server.baseUrl : `http://127.0.0.1:${server.launch.port}`;
}
