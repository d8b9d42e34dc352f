/** What stands before every route that needs a credential: who it is → how often → how much audio. */
import type { MiddlewareHandler } from 'hono';
import type { Gate } from '#origin/gate.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { SttException } from '#shared/errors.ts';
import { authentication } from '#shared/middleware/authentication.ts';
import { audioQuotaHeaders, rateLimitHeaders } from '#shared/rate-limit/headers.ts';

type Middleware = MiddlewareHandler<OriginEnv>;

export interface GateMiddleware {
  /** For every route that needs a credential; throws `unauthenticated`, `forbidden`, `auth_unavailable`, `rate_limited`. */
  readonly admit: Middleware;
  /** Then, where a recording is brought: throws `rate_limited` when the day's audio is used up. */
  readonly admitAudio: Middleware;
}

/** Without a gate (the app as a library) everyone passes, as one principal. */
export function gateMiddleware({
  gate,
  metrics,
}: Pick<OriginDependencies, 'gate' | 'metrics'>): GateMiddleware {
  if (gate === undefined) {
    return { admit: letPass, admitAudio: (_c, next) => next() };
  }
  const authenticate: Middleware = authentication<OriginEnv>({
    authenticate: gate.authenticate,
    onRefused: (failure, c) => {
      metrics.countRefusal(failure.kind);
      c.get('facts').refusal = describeRefusal(failure);
    },
  });
  const limit = limitRequests(gate, metrics);
  return {
    admit: (c, next) => authenticate(c, async () => void (await limit(c, next))),
    admitAudio: limitAudio(gate, metrics),
  };
}

const LOCAL: Principal = {
  kind: 'anonymous',
  id: 'local',
  name: 'local',
  scopes: ['stt'],
  rateLimit: null,
};

const letPass: Middleware = async (c, next) => {
  c.set('principal', LOCAL);
  c.set('authenticatedVia', 'nothing');
  await next();
};

function limitRequests(gate: Gate, metrics: OriginDependencies['metrics']): Middleware {
  return async function limitRate(c, next) {
    const principal = c.get('principal');
    c.get('facts').principal = principal.id;
    metrics.countCaller(principal.kind);
    // The edge has counted this request already.
    const outcome = c.get('authenticatedVia') === 'assertion' ? null : gate.takeRequest(principal);
    for (const [name, value] of Object.entries(rateLimitHeaders(outcome))) c.header(name, value);
    if (outcome?.isAllowed === false) {
      metrics.countLimited('requests');
      const { retryAfterSeconds } = outcome;
      throw new SttException({ kind: 'rate_limited', retryAfterSeconds });
    }
    await next();
  };
}

function limitAudio(gate: Gate, metrics: OriginDependencies['metrics']): Middleware {
  return async function limitAudioOfDay(c, next) {
    const isCounted = c.get('authenticatedVia') === 'assertion';
    const outcome = isCounted ? null : gate.checkAudio(c.get('principal'));
    for (const [name, value] of Object.entries(audioQuotaHeaders(outcome))) c.header(name, value);
    if (outcome?.isAllowed === false) {
      metrics.countLimited('audio_seconds');
      const { retryAfterSeconds } = outcome;
      throw new SttException({ kind: 'rate_limited', retryAfterSeconds, limit: 'audio' });
    }
    await next();
  };
}

/** `kind` or `kind/detail`: fixed words only, but for the names of a principal and a scope. */
function describeRefusal(failure: AuthFailure): string {
  switch (failure.kind) {
    case 'malformed_credential':
    case 'token_refused':
    case 'assertion_refused':
      return `${failure.kind}/${failure.fault}`;
    case 'not_local':
      return `${failure.kind}/${failure.found}`;
    case 'missing_scope':
      return `${failure.kind}/${failure.principalId}`;
    case 'auth_unavailable':
      return `${failure.kind}/${failure.cause}`;
    default:
      return failure.kind;
  }
}
