/** One origin behind the tunnel: what is sent to it, and what of its answers may be passed on. */
import type { EdgeConfig, OriginAddress } from '#edge-worker/bindings.ts';
import { ASSERTION_HEADER, type SignAssertion } from '#shared/auth/edge-assertion.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { AUDIO_SECONDS_HEADER } from '#shared/contracts/audio-seconds.ts';
import { LOAD_HEADER, type OriginLoad, readOriginLoad } from '#shared/contracts/origin-load.ts';
import { SttException } from '#shared/errors.ts';

export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

export interface OriginRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A path of the contract with its query, never the caller's own text. */
  readonly path: `/${string}`;
  /** The caller's headers: those that concern an origin are taken from it. */
  readonly headers: Headers;
  readonly requestId: string;
  /** For whom; null where the origin asks for no credential. */
  readonly principal: Principal | null;
  readonly body?: OriginBody;
  /** Headers of the edge's own. */
  readonly extra?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface OriginBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** With the form's boundary. */
  readonly contentType: string;
  /** Null: it is sent in chunks. */
  readonly sizeBytes: number | null;
}

export interface OriginClientOptions {
  readonly access: EdgeConfig['access'];
  /** Null: nothing is asserted, for an origin that lets everyone in. */
  readonly sign: SignAssertion | null;
  readonly fetch: Fetch;
  /** Told of the load that an answer reports, and of calls that found nobody. */
  readonly onNews?: (news: OriginNews) => void;
}

/** What a call tells of an origin; `load` is null where it did not say. */
export type OriginNews =
  | { readonly kind: 'answered'; readonly load: OriginLoad | null }
  | { readonly kind: 'unreachable' };

/** Calls one origin. */
export class OriginClient {
  readonly name: string;
  readonly #url: URL;
  readonly #access: EdgeConfig['access'];
  readonly #sign: SignAssertion | null;
  readonly #fetch: Fetch;
  readonly #onNews: (news: OriginNews) => void;

  constructor(address: OriginAddress, options: OriginClientOptions) {
    this.name = address.name;
    this.#url = address.url;
    this.#access = options.access;
    this.#sign = options.sign;
    this.#fetch = options.fetch;
    this.#onNews = options.onNews ?? (() => {});
  }

  /**
   * The origin's own answer, good or bad, with only the headers that a caller may see.
   * @throws SttException backend_unavailable when nothing answers there, something else than an origin, or one that
   *   does not know this edge (`unusable`)
   */
  async call(request: OriginRequest): Promise<Response> {
    const { method, body, signal } = request;
    const url = new URL(request.path, this.#url);
    const sent = await this.#headersFor(request, url);
    let response: Response;
    try {
      response = await this.#fetch(url, {
        method,
        body: body?.stream ?? null,
        headers: sent,
        // Access answers with a redirect to its login page when the service token is refused.
        redirect: 'manual',
        ...(signal !== undefined && { signal }),
      });
    } catch (cause) {
      // Whoever broke the call off says nothing of the origin.
      if (signal?.aborted !== true) this.#onNews({ kind: 'unreachable' });
      throw this.#unavailable('unreachable', cause);
    }
    if (!isFromOrigin(response)) {
      this.#onNews({ kind: 'unreachable' });
      await response.body?.cancel();
      const problem = response.status === 401 ? 'unusable' : 'broken_answer';
      throw this.#unavailable(problem, new Error(`answered ${response.status}`));
    }
    this.#onNews({ kind: 'answered', load: readOriginLoad(response.headers.get(LOAD_HEADER)) });
    const headers = pick(response.headers, ANSWER_HEADERS);
    return new Response(response.body, { status: response.status, headers });
  }

  /** Each attempt has an assertion of its own, which counts once. */
  async #headersFor(request: OriginRequest, url: URL): Promise<Headers> {
    const headers = pick(request.headers, REQUEST_HEADERS);
    headers.set('X-Request-Id', request.requestId);
    for (const [name, value] of Object.entries(request.extra ?? {})) headers.set(name, value);
    if (request.body !== undefined) {
      const { contentType, sizeBytes } = request.body;
      headers.set('Content-Type', contentType);
      if (sizeBytes !== null) headers.set('Content-Length', String(sizeBytes));
    }
    if (this.#access !== null) {
      headers.set('CF-Access-Client-Id', this.#access.clientId);
      headers.set('CF-Access-Client-Secret', this.#access.clientSecret);
    }
    if (this.#sign !== null && request.principal !== null) {
      const { method } = request;
      const assertion = await this.#sign(request.principal, { method, url: url.href, headers });
      headers.set(ASSERTION_HEADER, assertion);
    }
    return headers;
  }

  #unavailable(
    problem: 'unreachable' | 'broken_answer' | 'unusable',
    cause: unknown,
  ): SttException {
    return new SttException(
      { kind: 'backend_unavailable', backend: this.name, problem },
      { cause },
    );
  }
}

/** Everything else of a caller stays here: keys, tokens, cookies, addresses, what a proxy added. */
const REQUEST_HEADERS = ['Accept', 'Accept-Language'];

const ANSWER_HEADERS = [
  'Allow',
  'Content-Disposition',
  'Content-Language',
  'Content-Type',
  'Location',
  'Retry-After',
  AUDIO_SECONDS_HEADER,
  'X-Warnings',
];

/**
 * An origin's faults are JSON. The pages of a tunnel that is down (530), of a proxy that gave up (524) or of a login
 * (302) are not, and hold what no caller should see. An origin that does not know the edge (401) is one of ours set up
 * wrongly: the caller's own credential was good.
 */
function isFromOrigin(response: Response): boolean {
  const type = response.headers.get('Content-Type') ?? '';
  const isJson = /^application\/(problem\+)?json\b/.test(type);
  return response.ok || (response.status >= 400 && response.status !== 401 && isJson);
}

function pick(headers: Headers, names: readonly string[]): Headers {
  const picked = new Headers();
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) picked.set(name, value);
  }
  return picked;
}
