/** `POST /transcribe`: the form goes on to an origin as it comes, and its answer comes back. */
import type { Handler } from 'hono';
import type { EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { limitBody } from '#edge-worker/upload/limit-body.ts';
import { uploadTooLarge } from '#edge-worker/upload/limits.ts';

/** Makes the handler for one path of the origin. */
export function transcribeRoute(
  deps: Pick<EdgeDependencies, 'origins' | 'maxUploadBytes'>,
  path: `/${string}`,
): Handler<EdgeEnv> {
  const [origin] = deps.origins;
  if (origin === undefined) throw new TypeError('the edge needs an origin');
  return async function transcribe(c) {
    const { body, headers } = c.req.raw;
    const limited = limitBody(body, c.req.header('content-length'), deps.maxUploadBytes);
    const signal = AbortSignal.any([c.req.raw.signal, limited.signal]);
    c.get('facts').backend = origin.name;
    const [requestId, principal] = [c.get('requestId'), c.get('principal')];
    try {
      const request = { method: 'POST', path, headers, requestId, principal, signal } as const;
      const answer = await origin.call({ ...request, body: limited.stream });
      // Of a body that was cut off, even an answer says nothing.
      if (limited.isTooLarge()) throw uploadTooLarge(deps.maxUploadBytes);
      return answer;
    } catch (error) {
      throw limited.isTooLarge() ? uploadTooLarge(deps.maxUploadBytes) : error;
    }
  };
}
