/** The routes of vLLM beside transcription: health, models, sleep. Source: vLLM's docs/features/sleep_mode.md. */
import { z } from 'zod';
import type { Clock } from '#origin/engine/clock.ts';
import { abortAfter, untilAborted } from '#shared/abort-after.ts';
import { readText } from '#shared/mistral/bounded-body.ts';

export interface ControlOptions {
  readonly baseUrl: string;
  readonly apiKey?: string | null;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

export type SleepLevel = 1 | 2;

/** Nothing here throws: an answer that did not come is a no. */
export interface VllmControl {
  /** The engine lives. It says so while asleep, too. */
  isHealthy(timeoutMs?: number): Promise<boolean>;
  /** Names that requests may use; null when it does not tell. */
  models(): Promise<readonly string[] | null>;
  /** For reports; null when it does not tell. */
  version(): Promise<string | null>;
  /** Cuts off running requests, so drain first. */
  sleep(level: SleepLevel): Promise<boolean>;
  wake(level: SleepLevel): Promise<boolean>;
}

const HEALTH_TIMEOUT_MS = 5000;
/** Copying all weights over the bus, or reading them from a slow disk. */
const SLEEP_TIMEOUT_MS = 120_000;
const MAX_BODY_BYTES = 1_000_000;

const Models = z.object({ data: z.array(z.object({ id: z.string() })).max(1000) });

const Version = z.object({ version: z.string().max(100) });

export function createVllmControl(options: ControlOptions): VllmControl {
  const post = (path: string, body?: object) => ask(options, path, { method: 'POST', body });
  return {
    isHealthy: async (timeoutMs = HEALTH_TIMEOUT_MS) =>
      (await ask(options, '/health', { timeoutMs })) !== null,
    async models() {
      const text = await ask(options, '/v1/models', { timeoutMs: HEALTH_TIMEOUT_MS });
      const parsed = Models.safeParse(text === null ? null : parseJson(text));
      return parsed.success ? parsed.data.data.map(({ id }) => id) : null;
    },
    async version() {
      const text = await ask(options, '/version', { timeoutMs: HEALTH_TIMEOUT_MS });
      const parsed = Version.safeParse(text === null ? null : parseJson(text));
      return parsed.success ? parsed.data.version : null;
    },
    sleep: async (level) => (await post(`/sleep?level=${level}`)) !== null,
    async wake(level) {
      if (level === 1) return (await post('/wake_up')) !== null;
      // Level 2 has dropped the weights: room for them, the weights themselves, room for the cache.
      return (
        (await post('/wake_up?tags=weights')) !== null &&
        (await post('/collective_rpc', { method: 'reload_weights' })) !== null &&
        (await post('/wake_up?tags=kv_cache')) !== null
      );
    },
  };
}

interface Ask {
  readonly method?: 'GET' | 'POST';
  readonly body?: object | undefined;
  readonly timeoutMs?: number;
}

/** The body of an answer with status 200; null for everything else. */
async function ask(
  { baseUrl, apiKey = null, fetch, clock }: ControlOptions,
  path: string,
  { method = 'GET', body, timeoutMs = SLEEP_TIMEOUT_MS }: Ask,
): Promise<string | null> {
  const limit = abortAfter(timeoutMs, undefined, clock.after);
  try {
    const init: RequestInit = {
      method,
      redirect: 'manual',
      signal: limit.signal,
      headers: {
        ...(apiKey !== null && { Authorization: `Bearer ${apiKey}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const response = await untilAborted(fetch(`${baseUrl}${path}`, init), limit.signal);
    const text = await readText(response, MAX_BODY_BYTES, limit.signal);
    return response.status === 200 ? text : null;
  } catch {
    return null;
  } finally {
    limit.dispose();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
