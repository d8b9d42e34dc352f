/** The least app that authenticates: the middleware, and an answer that says whom it saw. Runs in Node and in workerd. */
import { Hono } from 'hono';
import { requestId } from 'hono/request-id';
import { decideAccess } from '#shared/auth/access.ts';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import { authenticateFromSettings } from '#shared/auth/create-authenticate.ts';
import { loadAuthSettings } from '#shared/auth/settings.ts';
import { errorToWire } from '#shared/error-to-wire.ts';
import { SttException } from '#shared/errors.ts';
import { type AuthenticationVariables, authentication } from '#shared/middleware/authentication.ts';
import { CASE_PATH } from '#test/support/auth-cases/auth-case.ts';

interface Env {
  Variables: AuthenticationVariables & { requestId: string };
}

/** Every answer names the reasons of refusals in this header, for the tests only. */
export const REASON_HEADER = 'x-test-reason';

/** @throws Error when these settings forbid to start */
export function createAuthApp(
  env: Readonly<Record<string, string>>,
  onFailure?: (failure: AuthFailure) => void,
): Hono<Env> {
  const settings = loadAuthSettings(env);
  const decision = decideAccess(settings, '127.0.0.1');
  if (!decision.ok) {
    throw new Error(decision.error);
  }
  const authenticate = authenticateFromSettings(settings, {
    access: decision.value.access,
    fetch: (url, init) => fetch(url, init),
    now: () => Date.now(),
    // Short, so that a server that hangs costs nothing; the others answer within a few ms or reset.
    timeoutMs: 500,
  });
  const app = new Hono<Env>();
  app.use(requestId());
  app.use(
    authentication({
      authenticate,
      onRefused: (failure, c) => {
        onFailure?.(failure);
        c.header(REASON_HEADER, toReason(failure));
      },
    }),
  );
  app.get(CASE_PATH, (c) => c.json(c.var.principal));
  app.onError((error, c) => {
    const known = error instanceof SttException ? error.error : { kind: 'internal' as const };
    const wire = errorToWire(known, { requestId: c.get('requestId') });
    for (const [name, value] of Object.entries(wire.headers)) {
      c.header(name, value);
    }
    return c.body(JSON.stringify(wire.body), wire.status as 500);
  });
  return app;
}

function toReason(failure: AuthFailure): string {
  const { kind, ...evidence } = failure;
  const detail =
    ('fault' in evidence && evidence.fault) ||
    ('cause' in evidence && evidence.cause) ||
    ('found' in evidence && evidence.found);
  return detail ? `${kind}/${detail}` : kind;
}
