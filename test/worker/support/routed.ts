/** The edge with played origins and a played Mistral. */
import { createMistral } from '#edge-worker/backends/mistral.ts';
import type { EdgeDependencies } from '#edge-worker/edge-env.ts';
import {
  HEALTH,
  type Play,
  type PlayedEdge,
  type PlaySettings,
  playEdge,
} from '#test/worker/support/edge.ts';

export interface SeenByMistral {
  readonly headers: Headers;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly file: File | null;
}

export type PlayMistral = (
  request: SeenByMistral,
  signal: AbortSignal,
) => Response | Promise<Response>;

export interface RoutedEdge extends PlayedEdge {
  readonly seenByMistral: readonly SeenByMistral[];
  readonly mistralLog: readonly Record<string, unknown>[];
  /** Recordings that reached an origin. */
  readonly recordings: () => number;
}

export const KEY = 'mistral-secret-key';

/** Our Whisper and Mistral, each with an answer to every recording. */
export function playRouted(
  play: {
    readonly whisper?: Play;
    /** Of an origin that serves it; absent: it does not. */
    readonly voxtral?: Play;
    readonly mistral?: PlayMistral | null;
  },
  settings: Partial<EdgeDependencies> & PlaySettings = {},
): RoutedEdge {
  const { whisper = () => Response.json(TRANSCRIPT), mistral = hear } = play;
  const seenByMistral: SeenByMistral[] = [];
  const clock = { nowMs: 0 };
  const log: Record<string, unknown>[] = [];
  const client = createMistral(
    { apiKey: KEY, baseUrl: null, timeoutMs: 60_000 },
    {
      fetch: async (_url, init) => {
        const request = await readRequest(init);
        seenByMistral.push(request);
        return mistral?.(request, init?.signal ?? new AbortController().signal) ?? hear();
      },
      now: () => clock.nowMs,
      logger: (level, msg, entry) => log.push({ level, msg, ...entry }),
    },
  );
  const { voxtral } = play;
  const health = { ...HEALTH, vllm_available: voxtral !== undefined };
  const one: Play = (request) => {
    if (request.url.endsWith('/health')) return Response.json(health);
    return request.url.endsWith('?route=voxtral') && voxtral !== undefined
      ? voxtral(request)
      : whisper(request);
  };
  const edge = playEdge({ one }, { mistral: mistral === null ? null : client, ...settings });
  return {
    ...edge,
    mistralLog: log,
    seenByMistral,
    recordings: () => edge.seen.filter(({ url }) => url.endsWith('/jobs')).length,
  };
}

/** What Mistral hears: two sentences, with times if they were asked for. */
export function hear(): Response {
  return Response.json({
    model: 'voxtral-mini-2602',
    text: 'Guten Morgen.',
    language: 'de',
    segments: [
      { text: ' Guten', start: 0.25, end: 0.5, score: 0.9 },
      { text: ' Morgen.', start: 0.5, end: 1, score: 0.8 },
    ],
    usage: { prompt_audio_seconds: 4 },
  });
}

export const TRANSCRIPT = { text: 'Good morning.', warnings: ['Something.'], extra: { a: 1 } };

async function readRequest(init: RequestInit | undefined): Promise<SeenByMistral> {
  const headers = new Headers(init?.headers);
  const form = await new Response(init?.body, { headers }).formData();
  const fields: (readonly [string, string])[] = [];
  let file: File | null = null;
  for (const [name, value] of form) {
    if (typeof value === 'string') fields.push([name, value]);
    else file = value;
  }
  return { headers, fields, file };
}

/** A form with one recording and these fields. */
export function routedForm(
  fields: Readonly<Record<string, string>> = {},
  bytes = 1000,
): RequestInit {
  const form = new FormData();
  const content = new Uint8Array(bytes).map((_, index) => index % 251);
  form.append('file', new File([content], 'Interview with Ada.WAV', { type: 'audio/wav' }));
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return { method: 'POST', body: form };
}
