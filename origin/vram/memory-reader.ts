/** Readings one after another: who asks while one is under way shares the next one. */
import type { MemoryReading, ReadingFailure, ReadMemory } from '#origin/vram/device.ts';
import { fail } from '#shared/result.ts';

export interface MemoryReaderTools {
  readonly read: ReadMemory;
  readonly now: () => number;
  /** Called where a reading begins: its number, and the processes to be asked for. */
  readonly begin: () => { readonly turn: number; readonly pids: readonly number[] };
  readonly onReading: (reading: MemoryReading & { readonly turn: number }) => void;
  readonly onMiss: (failure: ReadingFailure) => void;
}

export class MemoryReader {
  readonly #tools: MemoryReaderTools;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #memory: MemoryReading | null = null;
  #problem: ReadingFailure['problem'] | null = null;
  #triedMs: number;

  constructor(tools: MemoryReaderTools) {
    this.#tools = tools;
    this.#triedMs = tools.now();
  }

  /** The newest reading that there is; null before the first. */
  get memory(): MemoryReading | null {
    return this.#memory;
  }

  /** Why the last try gave none; null: it did. */
  get problem(): ReadingFailure['problem'] | null {
    return this.#problem;
  }

  /** When the last reading was begun, whatever came of it. */
  get triedMs(): number {
    return this.#triedMs;
  }

  get isReading(): boolean {
    return this.#current !== null;
  }

  /** Fulfils after a reading that was begun after this call. */
  read(): Promise<void> {
    if (this.#current === null) return this.#begin();
    this.#next ??= this.#current.then(() => {
      this.#next = null;
      return this.read();
    });
    return this.#next;
  }

  #begin(): Promise<void> {
    const { begin, read, now } = this.#tools;
    const { turn, pids } = begin();
    const startedMs = now();
    this.#triedMs = startedMs;
    this.#current = read(pids)
      .catch((error: unknown) => fail({ problem: 'failed' as const, said: String(error) }))
      .then((found) => {
        this.#current = null;
        if (found.ok) this.#take({ ...found.value, startedMs }, turn);
        else this.#miss(found.error);
      });
    return this.#current;
  }

  #take(memory: MemoryReading, turn: number): void {
    this.#memory = memory;
    this.#problem = null;
    this.#tools.onReading({ ...memory, turn });
  }

  #miss(failure: ReadingFailure): void {
    this.#problem = failure.problem;
    this.#tools.onMiss(failure);
  }
}
