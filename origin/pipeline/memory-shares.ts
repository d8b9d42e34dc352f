/**
 * Whose memory of the engine's process it is. Nobody can look inside; but the calls come one after another, so what the
 * process has grown by since the last answer belongs to the model that was just called. The runtime belongs to the
 * first. Pure.
 */
export class MemoryShares {
  readonly #bytes = new Map<string, number>();
  #pid: number | null = null;
  #peakBytes = 0;

  /** @param rssBytes resident memory of the process after a call */
  note({ pid, model, rssBytes }: { pid: number; model: string; rssBytes: number }): void {
    if (pid !== this.#pid) this.#bytes.clear();
    const peakBytes = pid === this.#pid ? this.#peakBytes : 0;
    this.#pid = pid;
    const grownBytes = Math.max(0, rssBytes - peakBytes);
    this.#peakBytes = peakBytes + grownBytes;
    this.#bytes.set(model, (this.#bytes.get(model) ?? 0) + grownBytes);
  }

  /** Of the process of the last answer, where that is `pid`: null before the first call of the model there. */
  shareMib(model: string, pid: number | null): number | null {
    const bytes = pid === this.#pid ? this.#bytes.get(model) : undefined;
    return bytes === undefined ? null : Math.ceil(bytes / BYTES_PER_MIB);
  }
}

const BYTES_PER_MIB = 1024 * 1024;
