/** The edge's app with origins that the test plays. */
import { env } from 'cloudflare:workers';
import { createEdgeApp, type EdgeDependencies } from '#edge-worker/app.ts';
import { OriginClient } from '#edge-worker/backends/origin.ts';
import { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import type { SignAssertion } from '#shared/auth/edge-assertion.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { ok } from '#shared/result.ts';

export interface SeenRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type Play = (request: SeenRequest) => Response | Promise<Response>;

export interface PlayedEdge {
  readonly app: ReturnType<typeof createEdgeApp>;
  /** What reached the origins, in order. */
  readonly seen: readonly SeenRequest[];
  /** Lines of the log. */
  readonly log: readonly Record<string, unknown>[];
  readonly clock: { nowMs: number };
}

/** Whoever asks, unless a test says otherwise. */
export const APP: Principal = {
  kind: 'local-key',
  id: 'key:test',
  name: 'test',
  scopes: ['stt'],
  rateLimit: null,
};

export const ACCESS = { clientId: 'access-id', clientSecret: 'access-secret' };

/** Every origin is called by its host. */
export function playEdge(
  origins: Readonly<Record<string, Play>>,
  settings: Partial<EdgeDependencies> & { readonly sign?: SignAssertion } = {},
): PlayedEdge {
  const { sign = null, ...given } = settings;
  const seen: SeenRequest[] = [];
  const log: Record<string, unknown>[] = [];
  const clock = { nowMs: 1_000_000 };
  const now = () => clock.nowMs;
  const clients = Object.entries(origins).map(([name, play]) => {
    const address = { name, url: new URL(`https://${name}.origin.test`) };
    const send = async (url: URL, init: RequestInit) => {
      const body = new Uint8Array(await new Response(init.body).arrayBuffer());
      const { method = 'GET' } = init;
      const request = { url: url.href, method, headers: new Headers(init.headers), body };
      seen.push(request);
      return play(request);
    };
    return new OriginClient(address, { access: ACCESS, sign, fetch: send });
  });
  const app = createEdgeApp({
    corsOrigins: [],
    maxUploadBytes: 100 * 1024 * 1024,
    ipShield: { limit: async () => ({ success: true }) },
    origins: clients,
    watch: new OriginWatch(clients, { now }),
    authenticate: async () => ok({ principal: APP, via: 'credential' }),
    limiterFor: (id) => env.RATE_LIMITER.get(env.RATE_LIMITER.idFromName(id)),
    audioSecondsPerDay: null,
    logger: (level, msg, entry) => log.push({ level, msg, ...entry }),
    now,
    ...given,
  });
  return { app, seen, log, clock };
}

export const HEALTH = {
  status: 'healthy',
  whisper_loaded: true,
  whisperx: true,
  vllm_available: false,
  vllm_url: 'http://localhost:8100',
  mistral_api_available: false,
  auth_required: true,
  models: { default_whisper: 'base', engine: 'onnxruntime', features: ['diarization'] },
  engine_state: 'ready',
  device: 'cpu',
  active_requests: 2,
  queue_waiting: 1,
};

export const MODELS = {
  whisper: ['base'],
  voxtral_vllm: [],
  default_whisper: 'base',
  loaded: ['base'],
  aligners: { de: 'german' },
};

/** A form with one recording. */
export function recordingForm(bytes = 1000): FormData {
  const form = new FormData();
  form.append('file', new File([new Uint8Array(bytes)], 'a.wav', { type: 'audio/wav' }));
  form.append('language', 'de');
  return form;
}
