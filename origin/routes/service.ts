/** `GET /`, `/health` and `/models`: what the service says about itself. */
import type { Handler } from 'hono';
import type { BackendsHealth } from '#origin/backends/open-backends.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { GATEWAY_PREFIX } from '#shared/contracts/gateway-path.ts';
import type { HealthResponse, IndexResponse, ModelsResponse } from '#shared/contracts/service.ts';

/** Lists the routes. */
export function indexRoute(routes: readonly string[]): Handler<OriginEnv> {
  const index: IndexResponse = {
    service: 'mana-stt',
    routes: [...routes],
    also_under: [GATEWAY_PREFIX],
  };
  return (c) => c.json(index);
}

/** Always 200 while the process lives: `status` tells whether it is of use. */
export function healthRoute(deps: OriginDependencies): Handler<OriginEnv> {
  return async (c) => c.json(describeHealth(deps, await deps.backends?.health()));
}

/** What can be asked for. */
export function modelsRoute(deps: OriginDependencies): Handler<OriginEnv> {
  return (c) => {
    const { whisper, defaultWhisper, loaded, aligners } = deps.transcriber.models();
    const answer: ModelsResponse = {
      whisper,
      voxtral_vllm: [...(deps.backends?.models.local ?? [])],
      voxtral_hosted: [...(deps.backends?.models.hosted ?? [])],
      default_whisper: defaultWhisper,
      loaded,
      aligners,
    };
    return c.json(answer);
  };
}

const FEATURES = [
  'language_detection',
  'word_timestamps',
  'translation',
  'forced_alignment',
  'diarization',
  'known_speakers',
  'channel_split',
  'coverage',
  'subtitles',
];

function describeHealth(deps: OriginDependencies, others?: BackendsHealth): HealthResponse {
  const { whisperLoaded, engine, device } = deps.transcriber.health();
  const { running, waiting } = deps.admission.counts();
  const isUsable = engine !== 'failed';
  return {
    status: isUsable ? 'healthy' : 'degraded',
    whisper_loaded: whisperLoaded,
    whisperx: isUsable,
    vllm_available: others?.isVllmAvailable ?? false,
    vllm_url: others?.vllmUrl ?? null,
    mistral_api_available: others?.isMistralAvailable ?? false,
    auth_required: deps.gate?.access === 'required',
    models: {
      default_whisper: deps.transcriber.models().defaultWhisper,
      engine: 'onnxruntime',
      features: FEATURES,
    },
    engine_state: engine,
    device,
    active_requests: running + waiting,
    queue_waiting: waiting,
    free_slots: deps.admission.freeSlots(),
    jobs_waiting: deps.jobs?.waiting() ?? 0,
    is_draining: deps.admission.isClosed,
  };
}
