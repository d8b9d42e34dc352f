/** One bounded request to mana-auth: a time limit, a size limit, no redirects. */
import type { UpstreamFault } from '#shared/auth/auth-failure.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** What is needed of `fetch`. */
export type FetchLike = (url: string, init: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** A key or an answer about one must not follow a redirect to somebody else. */
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

export interface JsonRequest {
  readonly fetch: FetchLike;
  readonly url: string;
  /** Sent as JSON by POST; absent: GET. */
  readonly body?: unknown;
  /** For the whole exchange, body included. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** @returns status and JSON body of any answer but 429, 5xx and redirects, which count as no answer */
export async function fetchJson(request: JsonRequest): Promise<Result<JsonAnswer, UpstreamFault>> {
  // On its own: workerd and browsers refuse a `fetch` that is called as somebody's method.
  const { fetch, url } = request;
  const signal = AbortSignal.timeout(request.timeoutMs);
  try {
    const response = await fetch(url, toInit(request, signal));
    if (response.status === 429 || response.status >= 500 || isRedirect(response.status)) {
      await response.body?.cancel();
      return fail('bad_status');
    }
    const text = await readText(response, request.maxBytes);
    const body = text === null ? undefined : parseJson(text);
    return body === undefined ? fail('bad_answer') : ok({ status: response.status, body });
  } catch {
    return fail(signal.aborted ? 'timeout' : 'unreachable');
  }
}

function toInit(request: JsonRequest, signal: AbortSignal): FetchInit {
  const headers = { accept: 'application/json' };
  const common = { redirect: 'manual', signal } as const;
  return request.body === undefined
    ? { method: 'GET', headers, ...common }
    : {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(request.body),
        ...common,
      };
}

/** A browser shows a redirect that it did not follow as status 0. */
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 300 && status < 400);
}

/** @returns null when there is more than `maxBytes` */
async function readText(response: Response, maxBytes: number): Promise<string | null> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let sizeBytes = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    sizeBytes += value.byteLength;
    if (sizeBytes > maxBytes) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
