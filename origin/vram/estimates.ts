/** How much models really take: what was measured corrects what was declared. */

/** Highest measured numbers of one model's last leases, newest last. */
export interface EstimateRecord {
  readonly model: string;
  readonly target: string;
  readonly peaksMib: readonly number[];
}

export class Estimates {
  readonly #peaks = new Map<string, EstimateRecord>();

  constructor(saved: readonly EstimateRecord[] = []) {
    for (const record of saved) this.#peaks.set(keyOf(record), record);
  }

  /**
   * What to plan for a model, in MiB: never less than was measured. Less than was declared only where the declaration
   * is an estimate itself, and after it has proved too high several times.
   */
  planMib(
    model: { readonly model: string; readonly target: string },
    declared: { readonly mib: number; readonly isEstimate: boolean },
  ): number {
    const peaks = this.#peaks.get(keyOf(model))?.peaksMib ?? [];
    const measuredMib = Math.ceil(Math.max(0, ...peaks) * MARGIN);
    const mayShrink = declared.isEstimate && peaks.length >= ENOUGH_TO_SHRINK;
    return mayShrink ? measuredMib : Math.max(declared.mib, measuredMib);
  }

  /** Adds the highest number of a lease that ended; returns what to keep on disk. */
  record({ model, target }: Omit<EstimateRecord, 'peaksMib'>, peakMib: number): EstimateRecord {
    const key = keyOf({ model, target });
    const peaks = this.#peaks.get(key)?.peaksMib ?? [];
    const record = { model, target, peaksMib: [...peaks, peakMib].slice(-KEPT_PEAKS) };
    // The one heard of last is the last to be forgotten.
    this.#peaks.delete(key);
    this.#peaks.set(key, record);
    const [oldest] = this.#peaks.keys();
    if (this.#peaks.size > MAX_RECORDS && oldest !== undefined) this.#peaks.delete(oldest);
    return record;
  }

  all(): EstimateRecord[] {
    return [...this.#peaks.values()];
  }
}

/** As many as the disk keeps too. */
export const MAX_RECORDS = 1000;

/** A peak is read from outside, between the moments of highest use. */
const MARGIN = 1.05;
const ENOUGH_TO_SHRINK = 3;
/** A model that was once used with longer input is remembered for so many leases. */
const KEPT_PEAKS = 8;

function keyOf({ model, target }: { readonly model: string; readonly target: string }): string {
  return `${model}\n${target}`;
}
