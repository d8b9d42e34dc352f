/**
 * The limits of one principal, exact for the whole edge: one object for each principal (`idFromName(principal.id)`),
 * and each decision is made and stored without a pause, so no two requests can take the last place.
 */
import { DurableObject } from 'cloudflare:workers';
import { z } from 'zod';
import type { RateLimit } from '#shared/auth/principal.ts';
import {
  type AudioOutcome,
  chargeAudio,
  checkAudio,
  EMPTY_AUDIO_STATE,
  isAudioIdle,
} from '#shared/rate-limit/audio-quota.ts';
import {
  decideRate,
  EMPTY_RATE_STATE,
  idleAtMs,
  peekRate,
  type RateOutcome,
} from '#shared/rate-limit/sliding-window.ts';

/** Called over RPC. Holds its state in SQLite, so an eviction gives nobody a new limit. */
export class RateLimiter extends DurableObject {
  #state: LimiterState | null = null;
  /** When this object is to look whether it may be forgotten; null: unknown. */
  #alarmMs: number | null = null;

  /** Counts one request. */
  async take(limit: RateLimit): Promise<RateOutcome> {
    const nowMs = Date.now();
    const { state, outcome } = decideRate(this.#load().rate, limit, nowMs);
    this.#save({ ...this.#load(), rate: state, idleAtMs: idleAtMs(state, limit) });
    await this.#forgetLater(nowMs);
    return outcome;
  }

  /** How the principal stands; costs nothing. */
  async peek(limit: RateLimit): Promise<RateOutcome> {
    return peekRate(this.#load().rate, limit, Date.now());
  }

  /** Whether another recording may be transcribed today. Before the work. */
  async checkAudio(limitSeconds: number): Promise<AudioOutcome> {
    return checkAudio(this.#load().audio, limitSeconds, Date.now());
  }

  /** After the work, by the length of what was transcribed. */
  async chargeAudio(seconds: number): Promise<void> {
    const nowMs = Date.now();
    this.#save({ ...this.#load(), audio: chargeAudio(this.#load().audio, seconds, nowMs) });
    await this.#forgetLater(nowMs);
  }

  /** Gives the storage back once nothing in it counts any more; later again while something does. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    this.#alarmMs = null;
    const { idleAtMs: rateIdleMs, audio } = this.#load();
    if ((rateIdleMs ?? 0) <= nowMs && isAudioIdle(audio, nowMs)) {
      this.#state = null;
      await this.ctx.storage.deleteAll();
    } else {
      await this.#forgetLater(nowMs);
    }
  }

  #load(): LimiterState {
    this.#state ??= this.#read();
    return this.#state;
  }

  #read(): LimiterState {
    const { sql } = this.ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 0), json TEXT)');
    const [row] = sql.exec('SELECT json FROM state').toArray();
    return row === undefined ? EMPTY_STATE : LimiterState.parse(JSON.parse(String(row['json'])));
  }

  #save(state: LimiterState): void {
    const json = JSON.stringify(state);
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO state (id, json) VALUES (0, ?)', json);
    this.#state = state;
  }

  /** One alarm a quiet time, not one a request: setting it is a write too. */
  async #forgetLater(nowMs: number): Promise<void> {
    this.#alarmMs ??= await this.ctx.storage.getAlarm();
    if (this.#alarmMs !== null) return;
    const { idleAtMs: rateIdleMs, audio } = this.#load();
    const dayEndMs = isAudioIdle(audio, nowMs) ? 0 : (audio.day + 1) * DAY_MS;
    this.#alarmMs = Math.max(nowMs + MIN_ALARM_MS, rateIdleMs ?? 0, dayEndMs);
    await this.ctx.storage.setAlarm(this.#alarmMs);
  }
}

const DAY_MS = 86_400_000;
const MIN_ALARM_MS = 60_000;

/** As stored. */
const LimiterState = z.object({
  rate: z.object({ times: z.array(z.number()), counts: z.array(z.number()) }),
  /** Null: nothing was taken yet. */
  idleAtMs: z.number().nullable(),
  audio: z.object({ day: z.number(), usedMs: z.number() }),
});

type LimiterState = Readonly<{
  rate: typeof EMPTY_RATE_STATE;
  idleAtMs: number | null;
  audio: typeof EMPTY_AUDIO_STATE;
}>;

const EMPTY_STATE: LimiterState = {
  rate: EMPTY_RATE_STATE,
  idleAtMs: null,
  audio: EMPTY_AUDIO_STATE,
};
