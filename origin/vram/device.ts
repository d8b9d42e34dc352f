/** What can hold a model: a GPU, or this machine's RAM where there is none. Sizes are MiB (1,048,576 bytes). */
import type { Result } from '#shared/result.ts';

export type DeviceKind = 'gpu' | 'ram';

/** One device as a reading found it. */
export interface DeviceReading {
  /** Stable over restarts: the UUID that the driver gives a GPU, or `ram`. */
  readonly id: string;
  readonly kind: DeviceKind;
  /** Place among the GPUs as `nvidia-smi` counts; it changes when a card is removed. 0 for RAM. */
  readonly index: number;
  readonly name: string;
  readonly totalMib: number;
  /** What the driver keeps for itself counts as used. */
  readonly usedMib: number;
  readonly freeMib: number;
}

/** Memory of one process on one device. */
export interface ProcessReading {
  readonly pid: number;
  readonly device: string;
  readonly usedMib: number;
}

/** All devices at one moment. */
export interface MemoryReading {
  /** Before the question was asked, by the caller's clock: what was loaded later may not be in it. */
  readonly startedMs: number;
  readonly devices: readonly DeviceReading[];
  /** Empty where the system does not tell (Windows, WSL2). */
  readonly processes: readonly ProcessReading[];
}

/** Why there is no reading. */
export type ReadingFailure =
  /** There is no such program. */
  | { readonly problem: 'missing' }
  | { readonly problem: 'timeout'; readonly limitMs: number }
  /** It ended with an error; `said` is its first line, for the log only. */
  | { readonly problem: 'failed'; readonly said: string }
  /** Its output is no list of devices; `said` as above. */
  | { readonly problem: 'nonsense'; readonly said: string };

/** Reads all devices. `pids`: processes whose memory is wanted, where the system can be asked about them alone. */
export type ReadMemory = (
  pids: readonly number[],
) => Promise<Result<Omit<MemoryReading, 'startedMs'>, ReadingFailure>>;
