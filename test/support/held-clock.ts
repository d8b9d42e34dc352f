import { type Clock, systemClock } from '#origin/engine/clock.ts';

interface Alarm {
  readonly delayMs: number;
  readonly action: () => void;
}

/** The real clock, except that alarms of some delays go off only when a test says so. */
export class HeldClock implements Clock {
  readonly #held: ReadonlySet<number>;
  readonly #alarms = new Set<Alarm>();
  readonly #watchers = new Set<() => void>();

  constructor(...heldDelaysMs: number[]) {
    this.#held = new Set(heldDelaysMs);
  }

  now = (): number => systemClock.now();

  after = (delayMs: number, action: () => void): (() => void) => {
    if (!this.#held.has(delayMs)) return systemClock.after(delayMs, action);
    const alarm = { delayMs, action };
    this.#alarms.add(alarm);
    for (const watcher of this.#watchers) watcher();
    return () => this.#alarms.delete(alarm);
  };

  /** Sets off the alarms of this delay, as soon as there is one. */
  async fire(delayMs: number): Promise<void> {
    const due = () => [...this.#alarms].filter((alarm) => alarm.delayMs === delayMs);
    while (due().length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
    for (const alarm of due()) {
      this.#alarms.delete(alarm);
      alarm.action();
    }
  }
}
