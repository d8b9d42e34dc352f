/** The answers about the service itself: `GET /`, `GET /health`, `GET /models`. */
import { z } from 'zod';

/** `GET /health`. Members may be added, none is removed: the first nine are those of the service replaced. */
export const HealthResponse = z.object({
  status: z.enum(['healthy', 'degraded']),
  whisper_loaded: z
    .boolean()
    .describe('A model is in memory; false is normal before the first use.'),
  whisperx: z.boolean().describe('Transcription is possible.'),
  vllm_available: z
    .boolean()
    .describe('Voxtral on this machine can be asked; it may have to start.'),
  vllm_url: z.string().nullable().describe('null without vLLM, and always at the edge.'),
  mistral_api_available: z
    .boolean()
    .describe('There is a key for Mistral, and it did not fail too often just now.'),
  auth_required: z.boolean(),
  models: z.object({
    default_whisper: z.string(),
    engine: z.string(),
    features: z.array(z.string()),
  }),
  engine_state: z.enum(['idle', 'starting', 'ready', 'restarting', 'failed']),
  device: z.string().nullable().describe('`cpu` or `cuda`; null until a model has been loaded.'),
  active_requests: z.number().int(),
  queue_waiting: z.number().int(),
  // Optional, so that the edge can read an origin from before they were there.
  free_slots: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Recordings that could begin at once; also in the header `X-Mana-Load`.'),
  jobs_waiting: z.number().int().min(0).optional().describe('Jobs that wait for their turn.'),
  is_draining: z
    .boolean()
    .optional()
    .describe('Told to stop: what is inside is finished, nothing new is taken.'),
});

/** `GET /models`. */
export const ModelsResponse = z.object({
  whisper: z.array(z.string()).describe('Models on this machine.'),
  voxtral_vllm: z.array(z.string()).describe('The Voxtral that vLLM serves here.'),
  // Optional, so that the edge can read an origin from before it was there.
  voxtral_hosted: z
    .array(z.string())
    .optional()
    .describe('Those of Mistral, where there is a key.'),
  default_whisper: z.string(),
  loaded: z.array(z.string()).describe('Those in memory now.'),
  aligners: z
    .record(z.string(), z.string())
    .describe('Aligner by language; `*` is any other. The rest gets word times from attention.'),
});

/** `GET /`. */
export const IndexResponse = z.object({
  service: z.literal('mana-stt'),
  routes: z.array(z.string()),
  also_under: z
    .array(z.string())
    .optional()
    .describe('Prefixes under which transcription, models and health are found as well.'),
});

export type HealthResponse = z.infer<typeof HealthResponse>;
export type ModelsResponse = z.infer<typeof ModelsResponse>;
export type IndexResponse = z.infer<typeof IndexResponse>;
