/** Rate limits of one process, in memory: what the origin uses. The edge keeps the same states in a Durable Object. */
import type { RateLimit } from '#shared/auth/principal.ts';
import {
  decideRate,
  EMPTY_RATE_STATE,
  idleAtMs,
  peekRate,
  type RateOutcome,
  type RateState,
} from '#shared/rate-limit/sliding-window.ts';

export interface MemoryLimiter {
  /** Counts one request of a principal. Decided at once, so requests at the same time cannot both take the last place. */
  take(principalId: string, limit: RateLimit): RateOutcome;
  /** How a principal stands; costs nothing. */
  peek(principalId: string, limit: RateLimit): RateOutcome;
  /** Principals remembered now. */
  size(): number;
}

export interface MemoryLimiterOptions {
  /** Milliseconds. */
  readonly now: () => number;
  /** Most principals to remember; default 100 000. */
  readonly maxPrincipals?: number;
}

/**
 * Forgets idle principals only, those whose window is over: forgetting another would give it a new limit. While as
 * many principals as fit are busy, a new one is refused until the first of them is idle.
 */
export function createMemoryLimiter({
  now,
  maxPrincipals = 100_000,
}: MemoryLimiterOptions): MemoryLimiter {
  const entries = new Map<string, Entry>();
  let nextIdleMs = Number.NEGATIVE_INFINITY;

  function hasRoom(nowMs: number): boolean {
    if (entries.size < maxPrincipals) return true;
    // Nobody is idle before this, so a flood of new principals does not search the map each time.
    if (nowMs < nextIdleMs) return false;
    nextIdleMs = removeIdle(entries, nowMs);
    return entries.size < maxPrincipals;
  }

  return {
    take(principalId, limit) {
      const nowMs = now();
      const known = entries.get(principalId);
      if (known === undefined && !hasRoom(nowMs)) return refuse(limit, nextIdleMs - nowMs);
      const { state, outcome } = decideRate(known?.state ?? EMPTY_RATE_STATE, limit, nowMs);
      entries.set(principalId, { state, idleAtMs: idleAtMs(state, limit) });
      return outcome;
    },
    peek: (principalId, limit) =>
      peekRate(entries.get(principalId)?.state ?? EMPTY_RATE_STATE, limit, now()),
    size: () => entries.size,
  };
}

interface Entry {
  readonly state: RateState;
  readonly idleAtMs: number;
}

/** @returns the time before which none of those left is idle. */
function removeIdle(entries: Map<string, Entry>, nowMs: number): number {
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const [id, entry] of entries) {
    if (entry.idleAtMs <= nowMs) entries.delete(id);
    else earliestMs = Math.min(earliestMs, entry.idleAtMs);
  }
  return earliestMs;
}

function refuse(limit: RateLimit, waitMs: number): RateOutcome {
  const seconds = Number.isFinite(waitMs) ? Math.max(1, Math.ceil(waitMs / 1000)) : 1;
  return {
    isAllowed: false,
    limit: limit.requests,
    remaining: 0,
    resetSeconds: seconds,
    retryAfterSeconds: seconds,
  };
}
