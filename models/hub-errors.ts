/** Turns what the network and the Hub answer into one line that says what to do. */
import { ModelError } from '#models/model-error.ts';

const REFUSED_BY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to the host',
  ECONNRESET: 'the connection was reset',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
};
const RESETS = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE']);

/** An error that `fetch` or reading its body threw. */
export function networkError(
  error: unknown,
  context: {
    readonly host: string;
    readonly signal: AbortSignal;
    /** Bytes were already coming. */
    readonly hasBegun?: boolean;
  },
): ModelError {
  if (error instanceof ModelError) return error;
  const { host, signal, hasBegun = false } = context;
  if (signal.aborted && signal.reason instanceof ModelError) return signal.reason;
  const code = codeOf(error);
  if (hasBegun || RESETS.has(code)) {
    return new ModelError('cut-off', `The connection to ${host} was cut.`, { cause: error });
  }
  const reason = REFUSED_BY[code] ?? (code || 'no connection');
  const advice = 'Check the network, or set HF_ENDPOINT to a mirror that can be reached.';
  const text = `Cannot reach ${host}: ${reason}. ${advice}`;
  return new ModelError('offline', text, { cause: error });
}

/** An answer other than success. The address is not shown: it may be signed. */
export function httpError(answer: {
  readonly status: number;
  readonly headers: Headers;
  readonly url: URL;
  readonly hasToken: boolean;
}): ModelError {
  const { status, headers, url, hasToken } = answer;
  if (status === 401 || status === 403) return deniedError(answer);
  if (status === 404) {
    const asked = repositoryOf(url);
    const text = `${url.host} has no ${asked}. Check the model and its revision on that host.`;
    return new ModelError('not-found', text);
  }
  if (status >= 500 || status === 408 || status === 429) {
    const text = `${url.host} answered ${status}; it is down or busy. Try again later.`;
    return new ModelError('server', text, { retryAfterMs: retryAfter(headers) });
  }
  const hint = hasToken ? ' Is HF_TOKEN right?' : '';
  return new ModelError('bad-answer', `${url.host} answered ${status}.${hint}`);
}

function deniedError({
  status,
  headers,
  url,
  hasToken,
}: {
  readonly status: number;
  readonly headers: Headers;
  readonly url: URL;
  readonly hasToken: boolean;
}): ModelError {
  const repository = repositoryOf(url);
  const isGated = headers.get('x-error-code') === 'GatedRepo';
  const accept = `accept its terms on https://huggingface.co/${repository} with your account`;
  const token = 'set HF_TOKEN to an access token with read rights';
  const advice = hasToken
    ? `The token given has no access: ${accept}, and check the token's rights.`
    : `${isGated ? `It is gated: ${accept}, then ${token}` : `If it is private or gated, ${token}`}.`;
  return new ModelError(
    'gated',
    `${url.host} denies access to ${repository} (${status}). ${advice}`,
  );
}

/** `owner/name` out of the Hub's paths. */
function repositoryOf(url: URL): string {
  const match =
    /\/api\/models\/([^/]+\/[^/]+)\//.exec(url.pathname) ??
    /\/([^/]+\/[^/]+)\/resolve\//.exec(url.pathname);
  return match?.[1] ?? 'this file';
}

function retryAfter(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function codeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    // Several addresses of one name were tried; the first failure stands for all.
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return '';
}
