/** What the edge adds to the answers about the service: one origin's members become those of all, and each is listed. */
import { z } from 'zod';
import { HealthResponse, ModelsResponse } from '#shared/contracts/service.ts';

/** An origin as the edge sees it. Its address stays inside. */
export const OriginHealth = z.object({
  name: z.string(),
  status: z.enum(['healthy', 'degraded', 'unreachable']),
  age_seconds: z.number().describe('Since it was asked.'),
  engine_state: HealthResponse.shape.engine_state.nullable(),
  device: z.string().nullable(),
  active_requests: z.number().int().nullable(),
  queue_waiting: z.number().int().nullable(),
  free_slots: z.number().int().nullable().describe('Recordings that it could begin at once.'),
  jobs_waiting: z.number().int().nullable(),
  is_draining: z.boolean().nullable(),
});

/** Hosted Voxtral as the edge knows it: by what came of requests, since nobody asks it for its health. */
export const MistralHealth = z.object({
  status: z
    .enum(['available', 'failing', 'not_configured'])
    .describe('`failing`: it failed so often that it is left alone for a while.'),
  last_outcome: z.enum(['success', 'failure']).nullable().describe('null: nothing known.'),
  age_seconds: z.number().nullable().describe('Since the last outcome.'),
});

/** `GET /health` at the edge. */
export const EdgeHealthResponse = HealthResponse.extend({
  edge: z.literal('healthy').describe('The Worker itself: it answered.'),
  origins: z.array(OriginHealth),
  mistral: MistralHealth,
});

/** `GET /models` at the edge. */
export const EdgeModelsResponse = ModelsResponse.extend({
  voxtral_hosted: z.array(z.string()).describe('Models at Mistral; empty where it is not set up.'),
});

export type OriginHealth = z.infer<typeof OriginHealth>;
export type EdgeHealthResponse = z.infer<typeof EdgeHealthResponse>;
export type EdgeModelsResponse = z.infer<typeof EdgeModelsResponse>;
export type MistralHealth = z.infer<typeof MistralHealth>;

/** An origin's health and its age; null when it did not answer. */
export interface SeenOrigin {
  readonly name: string;
  readonly ageSeconds: number;
  readonly health: HealthResponse | null;
}

/** One health of all: usable when any origin is, with their work added up. */
export function mergeHealth(
  origins: readonly SeenOrigin[],
  mistral: MistralHealth = NO_MISTRAL,
): EdgeHealthResponse {
  const seen = origins.map(({ health }) => health).filter((health) => health !== null);
  const usable = seen.filter(({ status }) => status === 'healthy');
  const best = usable[0] ?? seen[0];
  const any = (has: (health: HealthResponse) => boolean) => seen.some(has);
  const sum = (count: (health: HealthResponse) => number | undefined) =>
    seen.reduce((total, health) => total + (count(health) ?? 0), 0);
  return {
    status: usable.length > 0 ? 'healthy' : 'degraded',
    whisper_loaded: any((health) => health.whisper_loaded),
    whisperx: any((health) => health.whisperx),
    vllm_available: any((health) => health.vllm_available),
    vllm_url: null,
    mistral_api_available: mistral.status === 'available',
    auth_required: seen.length === 0 || any((health) => health.auth_required),
    models: {
      default_whisper: best?.models.default_whisper ?? '',
      engine: best?.models.engine ?? '',
      features: unite(seen.map(({ models }) => models.features)),
    },
    engine_state: best?.engine_state ?? 'failed',
    device: best?.device ?? null,
    active_requests: sum((health) => health.active_requests),
    queue_waiting: sum((health) => health.queue_waiting),
    free_slots: sum((health) => health.free_slots),
    jobs_waiting: sum((health) => health.jobs_waiting),
    is_draining: seen.length > 0 && seen.every((health) => health.is_draining === true),
    edge: 'healthy',
    origins: origins.map(describeOrigin),
    mistral,
  };
}

/** The models of several origins as those of one; the first origin's choices count where only one can. */
export function mergeModels(
  answers: readonly ModelsResponse[],
  hosted: readonly string[] = [],
): EdgeModelsResponse {
  return {
    whisper: unite(answers.map(({ whisper }) => whisper)),
    voxtral_hosted: [...hosted],
    voxtral_vllm: unite(answers.map(({ voxtral_vllm }) => voxtral_vllm)),
    default_whisper: answers[0]?.default_whisper ?? '',
    loaded: unite(answers.map(({ loaded }) => loaded)),
    aligners: Object.assign({}, ...answers.toReversed().map(({ aligners }) => aligners)),
  };
}

const NO_MISTRAL: MistralHealth = {
  status: 'not_configured',
  last_outcome: null,
  age_seconds: null,
};

function describeOrigin({ name, ageSeconds, health }: SeenOrigin): OriginHealth {
  return {
    name,
    status: health?.status ?? 'unreachable',
    age_seconds: ageSeconds,
    engine_state: health?.engine_state ?? null,
    device: health?.device ?? null,
    active_requests: health?.active_requests ?? null,
    queue_waiting: health?.queue_waiting ?? null,
    free_slots: health?.free_slots ?? null,
    jobs_waiting: health?.jobs_waiting ?? null,
    is_draining: health?.is_draining ?? null,
  };
}

/** Everything that is in any list, once, in the order of first sight. */
function unite(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}
