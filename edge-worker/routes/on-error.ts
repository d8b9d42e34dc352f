/** Turns what was thrown into the one kind of error answer, and keeps the cause for the log. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { errorToWire } from '#shared/error-to-wire.ts';
import { type SttError, SttException } from '#shared/errors.ts';

/** Makes Hono's error handler. */
export function onError({ logger }: Pick<EdgeDependencies, 'logger'>) {
  return function handleError(thrown: Error, c: Context<EdgeEnv>): Response {
    const error = toSttError(thrown, c.req.raw.signal);
    const entry = { request_id: c.get('requestId'), code: error.kind };
    if (error.kind === 'internal') {
      logger('error', 'unexpected failure', {
        ...entry,
        err: thrown.stack,
        cause: tell(thrown.cause),
      });
    } else if (thrown.cause !== undefined) {
      logger('warn', 'cause', { ...entry, cause: tell(thrown.cause) });
    }
    return sendError(error, c);
  };
}

/** Answers with an error that was not thrown. */
export function sendError(error: SttError, c: Context<EdgeEnv>): Response {
  c.get('facts').errorCode = error.kind;
  const wire = errorToWire(error, {
    requestId: c.get('requestId'),
    accept: c.req.header('accept'),
  });
  for (const [name, value] of Object.entries(wire.headers)) c.header(name, value);
  // Hono's type of codes leaves out 499, which nobody is there to read.
  return c.newResponse(JSON.stringify(wire.body), wire.status as ContentfulStatusCode);
}

/** Whatever an interrupted piece of work threw, the reason is that the client has left. */
function toSttError(thrown: Error, signal: AbortSignal): SttError {
  if (signal.aborted) return { kind: 'client_gone' };
  return thrown instanceof SttException ? thrown.error : { kind: 'internal' };
}

function tell(cause: unknown): string | undefined {
  return cause === undefined ? undefined : String(cause).slice(0, 500);
}
