/** Paths as gateways forward them: `/v1/stt/transcribe` means `/transcribe`. */
import { getPath } from 'hono/utils/url';

/** What callers behind a gateway may have in front of a path. */
export const GATEWAY_PREFIX = '/v1/stt';

/**
 * The path by which a request finds its route. With the prefix there are the routes for callers only: a gateway on this
 * machine must not open what is meant for its neighbours, as `/metrics` is.
 */
export function routedPath(request: Request): string {
  const path = getPath(request);
  return BEHIND_GATEWAYS.exec(path)?.[1] ?? path;
}

/** Whether callers of this address expect OpenAI's errors. */
export function isUnderV1(url: string): boolean {
  return new URL(url).pathname.startsWith('/v1/');
}

const BEHIND_GATEWAYS = new RegExp(`^${GATEWAY_PREFIX}(/(?:health|models|transcribe(?:/[^/]+)?))$`);
