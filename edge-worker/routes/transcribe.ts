/** `POST /transcribe`: Whisper on one of our machines, whatever becomes of the line to it meanwhile. */
import type { Handler } from 'hono';
import type { EdgeContext, EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { afterwards } from '#edge-worker/routes/afterwards.ts';
import { KeptBody } from '#edge-worker/upload/kept-body.ts';
import { readBoundary } from '#shared/contracts/form-boundary.ts';
import { SttException } from '#shared/errors.ts';
import { routeHeaders } from '#shared/routing/describe-route.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

/** Makes the handler. */
export function transcribeRoute(
  deps: Pick<EdgeDependencies, 'pool' | 'origins' | 'uploads' | 'originPatienceMs' | 'now'>,
): Handler<EdgeEnv> {
  const { pool, originPatienceMs: patienceMs, now } = deps;
  // With one origin a large body is sent once, straight through: nothing of it rests anywhere on the way.
  const bucket = deps.origins.length > 1 ? deps.uploads.bucket : null;
  const uploads = { ...deps.uploads, bucket };
  return async function transcribe(c) {
    const contentType = c.req.header('Content-Type') ?? '';
    readBoundary(contentType);
    const { body: stream, headers, signal } = c.req.raw;
    const requestId = c.get('requestId');
    const contentLength = c.req.header('Content-Length');
    const body = new KeptBody(
      { body: stream, contentType, contentLength },
      { ...uploads, key: crypto.randomUUID(), now },
    );
    const later = afterwards(c);
    try {
      const work = { body, headers, requestId, principal: c.get('principal'), signal, patienceMs };
      const result = await pool.transcribe({ ...work, afterwards: later });
      tell(c, body, result.ok ? result.value.tried : result.error.tried);
      if (result.ok) return send(c, result.value.response);
      const { response, error, cause } = result.error;
      if (response !== null) return send(c, response);
      throw new SttException(error, { cause });
    } finally {
      later(body.remove());
    }
  };
}

function tell(c: EdgeContext, { sizeBytes: uploadBytes }: KeptBody, tried: readonly Attempt[]) {
  Object.assign(c.get('facts'), { tried, backend: 'whisperx', uploadBytes });
  const headers = Object.entries(routeHeaders(NO_CHOICE, tried));
  for (const [name, value] of headers) c.header(name, value);
}

/** Joined with the headers that were set before. */
function send(c: EdgeContext, response: Response): Response {
  return c.newResponse(response.body, response);
}

/** The address says who is to answer. */
const NO_CHOICE = { candidates: [], excluded: [] };
