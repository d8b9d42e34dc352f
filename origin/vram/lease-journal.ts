/** What must outlive a restart, written as it happens: leases of other services, and what models really take. */
import type { Logger } from '#origin/logger.ts';
import { type EstimateRecord, Estimates } from '#origin/vram/estimates.ts';
import type { Lease, LeaseDemand } from '#origin/vram/lease.ts';
import type { LeaseStore } from '#origin/vram/lease-store.ts';
import type { LedgerEffect } from '#origin/vram/ledger.ts';

export class LeaseJournal {
  readonly #store: LeaseStore;
  readonly #logger: Logger;
  readonly #estimates: Estimates;
  readonly #peaksMib = new Map<string, number>();
  #isDurable = true;
  #isClosed = false;

  constructor(store: LeaseStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
    this.#estimates = new Estimates(store.estimates());
  }

  /** False: the disk did not take the last change. */
  get isDurable(): boolean {
    return this.#isDurable;
  }

  /** Leases of an earlier run. */
  leases(): Lease[] {
    return this.#store.leases();
  }

  /**
   * MiB to plan for a demand: as declared, or as measured. Measured numbers never make a model impossible that was
   * declared to fit.
   * @param limitMib the most that any device could give; 0: not known yet
   */
  planMib(
    demand: LeaseDemand,
    { isEstimate, limitMib }: { isEstimate: boolean; limitMib: number },
  ) {
    const planned = this.#estimates.planMib(demand, { mib: demand.mib, isEstimate });
    return limitMib === 0 || planned <= limitMib ? planned : Math.max(demand.mib, limitMib);
  }

  /** Remembers the highest number of a lease until it ends. */
  notePeak({ id, measured }: Lease): void {
    if (measured === null) return;
    this.#peaksMib.set(id, Math.max(this.#peaksMib.get(id) ?? 0, measured.mib));
  }

  /** On the disk when it returns, unless the disk takes no more. */
  save(effects: readonly LedgerEffect[]): void {
    const saved = new Map<string, Lease>();
    const endedIds: string[] = [];
    const estimates: EstimateRecord[] = [];
    for (const effect of effects) {
      if (effect.type === 'granted' || effect.type === 'changed') {
        if (!effect.lease.isLocal) saved.set(effect.lease.id, effect.lease);
      } else if (effect.type === 'ended') {
        if (!effect.lease.isLocal) endedIds.push(effect.lease.id);
        estimates.push(...this.#learn(effect.lease));
      }
    }
    if (saved.size + endedIds.length + estimates.length > 0) {
      this.#write({ saved: [...saved.values()], endedIds, estimates });
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#store.close();
  }

  #learn(lease: Lease): EstimateRecord[] {
    const peakMib = this.#peaksMib.get(lease.id) ?? 0;
    this.#peaksMib.delete(lease.id);
    return peakMib > 0 ? [this.#estimates.record(lease, peakMib)] : [];
  }

  #write(changes: Parameters<LeaseStore['write']>[0]): void {
    if (this.#isClosed) return;
    try {
      this.#store.write(changes);
      this.#isDurable = true;
    } catch (err) {
      // Memory is shared all the same; only a restart would forget these leases.
      if (this.#isDurable) this.#logger.error({ err }, 'GPU leases cannot be written');
      this.#isDurable = false;
    }
  }
}
