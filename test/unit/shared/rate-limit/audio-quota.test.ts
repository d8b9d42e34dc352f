import { describe, expect, it } from 'vitest';
import { chargeAudio, checkAudio, EMPTY_AUDIO_STATE } from '#shared/rate-limit/audio-quota.ts';
import { createMemoryAudioQuota } from '#shared/rate-limit/memory-audio-quota.ts';

const NOON = Date.UTC(2026, 10, 25, 12);
const LATE = Date.UTC(2026, 10, 25, 23, 59, 30);
const NEXT_DAY = Date.UTC(2026, 10, 26);

describe('checkAudio', () => {
  it('allows while anything is left, and tells how much', () => {
    const state = chargeAudio(EMPTY_AUDIO_STATE, 59.5, NOON);
    expect(checkAudio(state, 60, NOON)).toEqual({
      isAllowed: true,
      limitSeconds: 60,
      usedSeconds: 59.5,
      remainingSeconds: 0.5,
      retryAfterSeconds: 0,
    });
  });

  it('refuses until midnight UTC when the day is used up', () => {
    const state = chargeAudio(EMPTY_AUDIO_STATE, 61, LATE);
    expect(checkAudio(state, 60, LATE)).toMatchObject({ isAllowed: false, retryAfterSeconds: 30 });
    expect(checkAudio(state, 60, NEXT_DAY).isAllowed).toBe(true);
  });

  it('does not give a day anew to a clock that goes back over midnight', () => {
    const state = chargeAudio(EMPTY_AUDIO_STATE, 60, NEXT_DAY);
    expect(checkAudio(state, 60, NEXT_DAY - 1).isAllowed).toBe(false);
  });
});

describe('chargeAudio', () => {
  it('adds without drift', () => {
    let state = EMPTY_AUDIO_STATE;
    for (let i = 0; i < 1000; i += 1) state = chargeAudio(state, 0.001, NOON);
    expect(state.usedMs).toBe(1000);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('throws for %d seconds', (seconds) => {
    expect(() => chargeAudio(EMPTY_AUDIO_STATE, seconds, NOON)).toThrow(RangeError);
  });
});

describe('createMemoryAudioQuota', () => {
  it('charges what was transcribed; a check alone costs nothing', () => {
    const quota = createMemoryAudioQuota({ now: () => NOON });
    quota.check('a', 10);
    expect(quota.check('a', 10).remainingSeconds).toBe(10);
    quota.charge('a', 10);
    expect(quota.check('a', 10).isAllowed).toBe(false);
    expect(quota.check('b', 10).isAllowed).toBe(true);
  });

  it('refuses a new principal rather than forget one of today, and forgets those of yesterday', () => {
    let now = NOON;
    const quota = createMemoryAudioQuota({ now: () => now, maxPrincipals: 1 });
    quota.charge('a', 5);
    expect(quota.check('b', 10)).toMatchObject({ isAllowed: false, limitSeconds: 10 });
    now = NEXT_DAY;
    expect(quota.check('b', 10).isAllowed).toBe(true);
    quota.charge('b', 1);
    expect(quota.size()).toBe(1);
  });
});
