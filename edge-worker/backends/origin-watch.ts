/** How each origin is: asked at most every few seconds by one isolate, and told by every answer in between. */
import type { OriginClient, OriginNews } from '#edge-worker/backends/origin.ts';
import { readJson } from '#edge-worker/backends/read-json.ts';
import type { OriginLoad } from '#shared/contracts/origin-load.ts';
import { HealthResponse } from '#shared/contracts/service.ts';

/** What an origin said about itself, or that it said nothing. */
export interface OriginView {
  readonly name: string;
  readonly checkedAtMs: number;
  /** Null: it did not answer in time, or with something else. */
  readonly health: HealthResponse | null;
}

/** The last that is known of an origin without asking; all null: nothing yet. */
export interface OriginGlance {
  readonly view: OriginView | null;
  /** Of the latest answer. */
  readonly load: OriginLoad | null;
  /** Since when every call found nobody; null while it answers. Milliseconds since 1970. */
  readonly silentSinceMs: number | null;
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
  readonly #loads = new Map<string, OriginLoad>();
  readonly #silences = new Map<string, Silence>();

  constructor(origins: readonly OriginClient[], options: WatchOptions) {
    this.#origins = origins;
    this.#options = options;
  }

  /** All origins, in their order. Never fails. */
  look(requestId: string): Promise<OriginView[]> {
    return Promise.all(this.#origins.map((origin) => this.#lookAt(origin, requestId)));
  }

  /** Whether `look` would ask an origin again. */
  isDue(): boolean {
    return this.#origins.some(({ name }) => !this.#isFresh(this.#views.get(name)));
  }

  glance(name: string): OriginGlance {
    const silence = this.#silences.get(name);
    const isRecent = silence !== undefined && !this.#isOld(silence);
    return {
      view: this.#views.get(name) ?? null,
      load: this.#loads.get(name) ?? null,
      silentSinceMs: isRecent ? silence.sinceMs : null,
    };
  }

  /** What a call has told. */
  note(name: string, news: OriginNews): void {
    if (news.kind === 'unreachable') {
      const lastMs = this.#options.now();
      const known = this.#silences.get(name);
      const sinceMs = known === undefined || this.#isOld(known) ? lastMs : known.sinceMs;
      this.#silences.set(name, { sinceMs, lastMs });
      return;
    }
    this.#silences.delete(name);
    if (news.load !== null) this.#loads.set(name, news.load);
  }

  async #lookAt(origin: OriginClient, requestId: string): Promise<OriginView> {
    const known = this.#views.get(origin.name);
    if (known !== undefined && this.#isFresh(known)) return known;
    const health = await this.#ask(origin, requestId);
    const view = { name: origin.name, checkedAtMs: this.#options.now(), health };
    this.#views.set(origin.name, view);
    if (health === null) this.note(origin.name, { kind: 'unreachable' });
    return view;
  }

  #isOld({ lastMs }: Silence): boolean {
    return this.#options.now() - lastMs > SILENCE_COUNTS_MS;
  }

  #isFresh(view: OriginView | undefined): boolean {
    const { now, maxAgeMs = 10_000 } = this.#options;
    return view !== undefined && now() - view.checkedAtMs < maxAgeMs;
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

interface Silence {
  readonly sinceMs: number;
  /** When nobody was found there last. */
  readonly lastMs: number;
}

/** What happened before that says nothing of today. */
const SILENCE_COUNTS_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;
