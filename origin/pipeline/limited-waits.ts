/** Waiting with an end: for one's turn, for news, for others' work; by deadline, by signal, or until all is over. */
import type { Clock } from '#origin/engine/clock.ts';
import { SttException } from '#shared/errors.ts';

export interface Limit {
  /** By the clock's time. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export class LimitedWaits {
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #news = Promise.withResolvers<void>();
  /** Fulfils when all that are in line have had their turn. */
  #line: Promise<unknown> = Promise.resolve();
  /** Since when the first in line has its turn. */
  #turnMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  limit(signal: AbortSignal, waitMs: number): Limit {
    return {
      deadlineMs: this.#clock.now() + waitMs,
      signal: AbortSignal.any([signal, this.#closing.signal]),
    };
  }

  /** Runs `work` once all who came before have had their turn. */
  async inLine<Value>(limit: Limit, work: () => Promise<Value>): Promise<Value> {
    const before = this.#line;
    const turn = Promise.withResolvers<void>();
    this.#line = Promise.all([before, turn.promise]);
    try {
      await this.within(before, limit);
      this.#turnMs = this.#clock.now();
      return await work();
    } catch (error) {
      throw this.toException(error);
    } finally {
      this.#turnMs = null;
      turn.resolve();
    }
  }

  /** False once somebody has waited for so long at the head of the line. */
  mayPass(afterMs: number): boolean {
    return this.#turnMs === null || this.#clock.now() - this.#turnMs < afterMs;
  }

  /** Fulfils at the next news. */
  nextNews(): Promise<void> {
    return this.#news.promise;
  }

  /** Fulfils at the next news, or after a second: then somebody looks again. */
  async news(limit: Limit): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#clock.after(LOOK_AGAIN_MS, resolve);
    await this.within(Promise.race([promise, this.nextNews()]), limit).finally(stop);
  }

  /** Tells those who wait for news. */
  ring(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** @throws SttException client_gone by the signal, timeout by the deadline */
  async within<Value>(work: Promise<Value>, { deadlineMs, signal }: Limit): Promise<Value> {
    const end = Promise.withResolvers<never>();
    const leave = () => end.reject(new SttException({ kind: 'client_gone' }));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    const limitMs = Math.max(0, deadlineMs - this.#clock.now());
    const limitSeconds = Math.round(limitMs / 1000);
    const late = { kind: 'timeout', doing: 'waiting for memory', limitSeconds } as const;
    const stop = this.#clock.after(limitMs, () => end.reject(new SttException(late)));
    try {
      return await Promise.race([work, end.promise]);
    } finally {
      stop();
      signal.removeEventListener('abort', leave);
    }
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#closing.abort();
    this.ring();
  }

  /** Who is sent away at the end is told so. */
  toException(error: unknown): unknown {
    const isGone = error instanceof SttException && error.error.kind === 'client_gone';
    if (!isGone || !this.isClosed) return error;
    return new SttException({ kind: 'shutting_down', retryAfterSeconds: 10 });
  }
}

const LOOK_AGAIN_MS = 1000;
