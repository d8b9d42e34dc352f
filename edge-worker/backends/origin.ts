/** One origin behind the tunnel: what is sent to it, and what of its answers may be passed on. */
import type { EdgeConfig, OriginAddress } from '#edge-worker/bindings.ts';
import { SttException } from '#shared/errors.ts';

export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

export interface OriginRequest {
  readonly method: 'GET' | 'POST';
  /** A path of the contract, never the caller's own text. */
  readonly path: `/${string}`;
  /** The caller's headers: those that concern an origin are taken from it. */
  readonly headers: Headers;
  readonly requestId: string;
  readonly body?: ReadableStream<Uint8Array> | null;
  readonly signal?: AbortSignal;
}

/** Calls one origin. */
export class OriginClient {
  readonly name: string;
  readonly #url: URL;
  readonly #access: EdgeConfig['access'];
  readonly #fetch: Fetch;

  constructor(address: OriginAddress, options: { access: EdgeConfig['access']; fetch: Fetch }) {
    this.name = address.name;
    this.#url = address.url;
    this.#access = options.access;
    this.#fetch = options.fetch;
  }

  /**
   * The origin's own answer, good or bad, with only the headers that a caller may see.
   * @throws SttException backend_unavailable when nothing answers there, or something else than an origin
   */
  async call(request: OriginRequest): Promise<Response> {
    const { method, body = null, signal } = request;
    let response: Response;
    try {
      response = await this.#fetch(new URL(request.path, this.#url), {
        method,
        body,
        headers: this.#headersFor(request),
        // Access answers with a redirect to its login page when the service token is refused.
        redirect: 'manual',
        ...(signal !== undefined && { signal }),
      });
    } catch (cause) {
      throw this.#unavailable('unreachable', cause);
    }
    if (!isFromOrigin(response)) {
      await response.body?.cancel();
      throw this.#unavailable('broken_answer', new Error(`answered ${response.status}`));
    }
    const headers = pick(response.headers, ANSWER_HEADERS);
    return new Response(response.body, { status: response.status, headers });
  }

  #headersFor(request: OriginRequest): Headers {
    const headers = pick(request.headers, REQUEST_HEADERS);
    headers.set('X-Request-Id', request.requestId);
    if (this.#access !== null) {
      headers.set('CF-Access-Client-Id', this.#access.clientId);
      headers.set('CF-Access-Client-Secret', this.#access.clientSecret);
    }
    return headers;
  }

  #unavailable(problem: 'unreachable' | 'broken_answer', cause: unknown): SttException {
    return new SttException(
      { kind: 'backend_unavailable', backend: this.name, problem },
      { cause },
    );
  }
}

/** Everything else of a caller stays here: cookies, addresses, what a proxy added. */
const REQUEST_HEADERS = [
  'Accept',
  'Accept-Language',
  'Authorization',
  'Content-Length',
  'Content-Type',
  'Idempotency-Key',
  'X-API-Key',
];

const ANSWER_HEADERS = [
  'Allow',
  'Content-Disposition',
  'Content-Language',
  'Content-Type',
  'Retry-After',
  'WWW-Authenticate',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-Warnings',
];

/**
 * An origin's faults are JSON. The pages of a tunnel that is down (530), of a proxy that gave up (524) or of a login
 * (302) are not, and hold what no caller should see.
 */
function isFromOrigin(response: Response): boolean {
  const type = response.headers.get('Content-Type') ?? '';
  const isJson = /^application\/(problem\+)?json\b/.test(type);
  return response.ok || (response.status >= 400 && isJson);
}

function pick(headers: Headers, names: readonly string[]): Headers {
  const picked = new Headers();
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) picked.set(name, value);
  }
  return picked;
}
