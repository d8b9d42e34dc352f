/** How each origin is, asked at most every few seconds by one isolate. */
import type { OriginClient } from '#edge-worker/backends/origin.ts';
import { readJson } from '#edge-worker/backends/read-json.ts';
import { HealthResponse } from '#shared/contracts/service.ts';

/** What an origin said about itself, or that it said nothing. */
export interface OriginView {
  readonly name: string;
  readonly checkedAtMs: number;
  /** Null: it did not answer in time, or with something else. */
  readonly health: HealthResponse | null;
}

export interface WatchOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A view younger than this is not asked for again. Default 10,000. */
  readonly maxAgeMs?: number;
  /** Default 3,000. */
  readonly timeoutMs?: number;
}

/** Asks and remembers. Only finished answers are shared: a request cannot wait for another request's I/O in workerd. */
export class OriginWatch {
  readonly #origins: readonly OriginClient[];
  readonly #options: WatchOptions;
  readonly #views = new Map<string, OriginView>();

  constructor(origins: readonly OriginClient[], options: WatchOptions) {
    this.#origins = origins;
    this.#options = options;
  }

  /** All origins, in their order. Never fails. */
  look(requestId: string): Promise<OriginView[]> {
    return Promise.all(this.#origins.map((origin) => this.#lookAt(origin, requestId)));
  }

  async #lookAt(origin: OriginClient, requestId: string): Promise<OriginView> {
    const { now, maxAgeMs = 10_000 } = this.#options;
    const known = this.#views.get(origin.name);
    if (known !== undefined && now() - known.checkedAtMs < maxAgeMs) return known;
    const health = await this.#ask(origin, requestId);
    const view = { name: origin.name, checkedAtMs: now(), health };
    this.#views.set(origin.name, view);
    return view;
  }

  async #ask(origin: OriginClient, requestId: string): Promise<HealthResponse | null> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs ?? 3000);
    try {
      const headers = new Headers();
      const answer = await origin.call({
        method: 'GET',
        path: '/health',
        headers,
        requestId,
        principal: null,
        signal,
      });
      return answer.ok ? await readJson(answer, HealthResponse, MAX_ANSWER_BYTES) : null;
    } catch {
      return null;
    }
  }
}

const MAX_ANSWER_BYTES = 64 * 1024;
