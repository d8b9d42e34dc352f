/** The edge's app with origins that the test plays. */
import { env } from 'cloudflare:workers';
import { createEdgeApp, type EdgeDependencies } from '#edge-worker/app.ts';
import { OriginClient, type OriginNews } from '#edge-worker/backends/origin.ts';
import { DEFAULT_POOL_TIMES, OriginPool } from '#edge-worker/backends/origin-pool.ts';
import { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import { type MetricStore, MetricTable } from '#edge-worker/metrics/metric-table.ts';
import type { SignAssertion } from '#shared/auth/edge-assertion.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { ok } from '#shared/result.ts';
import { createMemoryBreakers } from '#shared/routing/breaker-table.ts';

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

export interface PlaySettings {
  readonly sign?: SignAssertion;
  readonly maxFileBytes?: number;
  /** The test plays `/jobs` itself. */
  readonly isRaw?: boolean;
  /** Names of origins that the operator empties. */
  readonly draining?: readonly string[];
}

/**
 * An origin whose jobs end at once: what is played is the answer to the recording, as a refusal of the job or as its
 * result.
 */
function playJobs(play: Play): Play {
  const results = new Map<string, Response>();
  return async (request) => {
    const path = new URL(request.url).pathname;
    const id = /^\/jobs\/([\w-]+)/.exec(path)?.[1];
    if (id !== undefined && request.method === 'DELETE') return new Response(null, { status: 204 });
    if (id !== undefined) return results.get(id)?.clone() ?? Response.json({}, { status: 404 });
    const answer = await play(request);
    if (path !== '/jobs' || !answer.ok) return answer;
    const jobId = crypto.randomUUID();
    results.set(jobId, answer);
    return Response.json({}, { status: 202, headers: { Location: `/jobs/${jobId}` } });
  };
}

/** Every origin is called by its host. */
export function playEdge(
  origins: Readonly<Record<string, Play>>,
  settings: Partial<EdgeDependencies> & PlaySettings = {},
): PlayedEdge {
  const { sign = null, maxFileBytes, isRaw = false, draining = [], ...given } = settings;
  const seen: SeenRequest[] = [];
  const log: Record<string, unknown>[] = [];
  const clock = { nowMs: 1_000_000 };
  const now = () => clock.nowMs;
  const watch = { current: null as OriginWatch | null };
  const clients = Object.entries(origins).map(([name, played]) => {
    const play = isRaw ? played : playJobs(played);
    const url = new URL(`https://${name}.origin.test`);
    const address = { name, url, audience: null, isDraining: false };
    const send = async (url: URL, init: RequestInit) => {
      const body = new Uint8Array(await new Response(init.body).arrayBuffer());
      const { method = 'GET' } = init;
      const request = { url: url.href, method, headers: new Headers(init.headers), body };
      if (isRaw || !/\/jobs\/./.test(request.url)) seen.push(request);
      return play(request);
    };
    const onNews = (news: OriginNews) => watch.current?.note(name, news);
    return new OriginClient(address, { access: ACCESS, sign, fetch: send, onNews });
  });
  watch.current = new OriginWatch(clients, { now });
  const delay = async (ms: number) => {
    clock.nowMs += ms;
  };
  const pool = new OriginPool({
    origins: clients.map((client) => ({ client, isDraining: draining.includes(client.name) })),
    watch: watch.current,
    times: { ...DEFAULT_POOL_TIMES, now, delay },
    randomId: () => crypto.randomUUID(),
  });
  const app = createEdgeApp({
    corsOrigins: [],
    ipShield: { limit: async () => ({ success: true }) },
    origins: clients,
    watch: watch.current,
    pool,
    mistral: null,
    isFallbackEnabled: true,
    originPatienceMs: 45_000,
    uploads: {
      bucket: env.UPLOADS,
      limits: { maxFileBytes: maxFileBytes ?? 100 * 1024 * 1024, idleTimeoutSeconds: 30 },
    },
    authenticate: async () => ok({ principal: APP, via: 'credential' }),
    limiterFor: (id) => env.RATE_LIMITER.get(env.RATE_LIMITER.idFromName(id)),
    audioSecondsPerDay: null,
    breakers: createMemoryBreakers({ now, random: () => 0 }),
    metrics: createMemoryMetrics(),
    version: 'test',
    logger: (level, msg, entry) => log.push({ level, msg, ...entry }),
    now,
    ...given,
  });
  return { app, seen, log, clock };
}

function createMemoryMetrics(): MetricStore {
  const table = new MetricTable();
  return {
    report: async (samples) => {
      for (const sample of samples) table.add(sample);
    },
    read: async () => table.read(),
  };
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
