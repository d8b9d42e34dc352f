import type { Clock } from '#origin/engine/clock.ts';

/** Requests that wait for a job to end. */
export class JobWaiters {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /**
   * Resolves when `release` is called for the job, the time is over or the client has gone, whichever is first; at
   * once when too many wait already.
   */
  async wait(id: string, limit: { seconds: number; signal: AbortSignal }): Promise<void> {
    const { seconds, signal } = limit;
    if (seconds <= 0 || signal.aborted || this.#count >= MAX_WAITING) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    const group = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, group.add(resolve));
    this.#count++;
    signal.addEventListener('abort', onAbort, { once: true });
    const takeBack = this.#clock.after(seconds * 1000, resolve);
    await promise;
    takeBack();
    signal.removeEventListener('abort', onAbort);
    this.#count--;
    group.delete(resolve);
    if (group.size === 0 && this.#waiting.get(id) === group) this.#waiting.delete(id);
  }

  release(id: string): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve();
  }

  releaseAll(except: (id: string) => boolean = () => false): void {
    for (const id of this.#waiting.keys()) if (!except(id)) this.release(id);
  }
}

/** Each holds a connection. */
const MAX_WAITING = 2000;
