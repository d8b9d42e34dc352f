import type { Clock } from '#origin/engine/clock.ts';

interface Alarm {
  readonly at: number;
  readonly action: () => void;
}

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #alarms = new Set<Alarm>();
  readonly #watchers = new Set<() => void>();

  now = (): number => this.#nowMs;

  after = (delayMs: number, action: () => void): (() => void) => {
    const alarm = { at: this.#nowMs + delayMs, action };
    this.#alarms.add(alarm);
    for (const watcher of this.#watchers) watcher();
    return () => this.#alarms.delete(alarm);
  };

  /** Delays until the pending alarms, soonest first. */
  pending(): readonly number[] {
    return [...this.#alarms].map(({ at }) => at - this.#nowMs).sort((a, b) => a - b);
  }

  /** Fulfils when an alarm of exactly this delay from now is pending. */
  async until(delayMs: number): Promise<void> {
    while (!this.pending().includes(delayMs)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }

  /** Moves on, setting off every alarm on the way in its order. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (let next = this.#soonest(end); next !== undefined; next = this.#soonest(end)) {
      this.#alarms.delete(next);
      this.#nowMs = next.at;
      next.action();
    }
    this.#nowMs = end;
  }

  /** Moves to the next alarm; false when there is none. */
  advanceToNext(): boolean {
    const next = this.#soonest(Number.POSITIVE_INFINITY);
    if (next === undefined) return false;
    this.advance(next.at - this.#nowMs);
    return true;
  }

  #soonest(end: number): Alarm | undefined {
    return [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
