/** Who may use the origin and how much: decided once from the settings, then asked by every request. */
import { ConfigError, type OriginConfig } from '#origin/config.ts';
import { type Access, decideAccess } from '#shared/auth/access.ts';
import type { Authenticate } from '#shared/auth/authenticate.ts';
import { authenticateFromSettings } from '#shared/auth/create-authenticate.ts';
import type { FetchLike } from '#shared/auth/fetch-json.ts';
import type { Principal, RateLimit } from '#shared/auth/principal.ts';
import { createReplayGuard } from '#shared/auth/replay-guard.ts';
import type { AudioOutcome } from '#shared/rate-limit/audio-quota.ts';
import { createMemoryAudioQuota } from '#shared/rate-limit/memory-audio-quota.ts';
import { createMemoryLimiter } from '#shared/rate-limit/memory-limiter.ts';
import type { RateOutcome } from '#shared/rate-limit/sliding-window.ts';

export interface Gate {
  readonly access: Access;
  /** Why, for the log at start. */
  readonly explanation: string;
  readonly authenticate: Authenticate;
  /** To be told when the service begins to listen: no assertion of the edge from before then counts. */
  beginsToListen(): void;
  /** Counts a request; null for a principal without a limit. */
  takeRequest(principal: Principal): RateOutcome | null;
  /** Before the work; null where there is no limit. */
  checkAudio(principal: Principal): AudioOutcome | null;
  /** After the work, by the length of what was transcribed. */
  chargeAudio(principalId: string, seconds: number): void;
}

export type GateConfig = Pick<
  OriginConfig,
  'auth' | 'host' | 'isRateLimitGiven' | 'audioSecondsPerDay'
>;

export interface GateRuntime {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly fetch: FetchLike;
  /** Of one request to mana-auth. Default 5000. */
  readonly timeoutMs?: number;
}

/**
 * Makes the gate; it lives as long as the service, because it holds the caches and the counts.
 * @throws ConfigError when the service would be open to other machines without anybody having said so
 */
export function createGate(config: GateConfig, runtime: GateRuntime): Gate {
  const decision = decideAccess(config.auth, config.host);
  if (!decision.ok) {
    throw new ConfigError(decision.error);
  }
  const { access, explanation } = decision.value;
  const { now, wallNow, fetch, timeoutMs } = runtime;
  let startedMs = wallNow();
  const replays = createReplayGuard({ now: wallNow, startedMs: () => startedMs });
  return {
    access,
    explanation,
    authenticate: authenticateFromSettings(config.auth, {
      ...{ access, fetch, now: wallNow, replays },
      ...(timeoutMs !== undefined && { timeoutMs }),
    }),
    beginsToListen: () => {
      startedMs = wallNow();
    },
    ...createLimits(config, { access, now, wallNow }),
  };
}

type Limits = Pick<Gate, 'takeRequest' | 'checkAudio' | 'chargeAudio'>;

function createLimits(
  { isRateLimitGiven, audioSecondsPerDay }: GateConfig,
  { access, now, wallNow }: { access: Access } & Pick<GateRuntime, 'now' | 'wallNow'>,
): Limits {
  const limiter = createMemoryLimiter({ now });
  const quota = createMemoryAudioQuota({ now: wallNow });
  // A fresh clone does not count what its only user does, unless it is told to.
  const isFree = access === 'local' && !isRateLimitGiven;
  const limitOf = ({ rateLimit }: Principal): RateLimit | null => (isFree ? null : rateLimit);
  return {
    takeRequest: (principal) => {
      const limit = limitOf(principal);
      return limit === null ? null : limiter.take(principal.id, limit);
    },
    checkAudio: ({ kind, id }) =>
      audioSecondsPerDay === null || kind === 'internal'
        ? null
        : quota.check(id, audioSecondsPerDay),
    chargeAudio: (principalId, seconds) => {
      if (audioSecondsPerDay !== null && principalId !== INTERNAL_ID) {
        quota.charge(principalId, seconds);
      }
    },
  };
}

/** `id` of the principal of INTERNAL_API_KEY. */
const INTERNAL_ID = 'internal';
