/** Audio seconds per day of one process, in memory. */
import {
  type AudioOutcome,
  type AudioState,
  chargeAudio,
  checkAudio,
  EMPTY_AUDIO_STATE,
  isAudioIdle,
} from '#shared/rate-limit/audio-quota.ts';

export interface MemoryAudioQuota {
  /** Before the work. */
  check(principalId: string, limitSeconds: number): AudioOutcome;
  /** After the work, by the length of what was transcribed. */
  charge(principalId: string, seconds: number): void;
  /** Principals remembered now. */
  size(): number;
}

export interface MemoryAudioQuotaOptions {
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number;
  /** Most principals to remember; default 100 000. */
  readonly maxPrincipals?: number;
}

/**
 * Forgets principals without audio on this day only. When as many as fit have used some, a new one is refused until
 * the day is over. What is charged is always kept, so that only work already running can go beyond the bound.
 */
export function createMemoryAudioQuota({
  now,
  maxPrincipals = 100_000,
}: MemoryAudioQuotaOptions): MemoryAudioQuota {
  const states = new Map<string, AudioState>();
  let sweptDay = -1;

  function hasRoom(nowMs: number): boolean {
    const day = Math.floor(nowMs / 86_400_000);
    if (states.size >= maxPrincipals && sweptDay !== day) {
      sweptDay = day;
      for (const [id, state] of states) {
        if (isAudioIdle(state, nowMs)) states.delete(id);
      }
    }
    return states.size < maxPrincipals;
  }

  return {
    check(principalId, limitSeconds) {
      const nowMs = now();
      const state = states.get(principalId);
      if (state !== undefined || hasRoom(nowMs)) {
        return checkAudio(state ?? EMPTY_AUDIO_STATE, limitSeconds, nowMs);
      }
      return { ...checkAudio(EMPTY_AUDIO_STATE, 0, nowMs), limitSeconds };
    },
    charge(principalId, seconds) {
      // Nothing is remembered of who used nothing, so no state of this day is ever idle.
      if (seconds === 0) return;
      const nowMs = now();
      const state = states.get(principalId) ?? EMPTY_AUDIO_STATE;
      hasRoom(nowMs);
      states.set(principalId, chargeAudio(state, seconds, nowMs));
    },
    size: () => states.size,
  };
}
