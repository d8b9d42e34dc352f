/**
 * Decoded audio → a growing file. Readers start while the decoder still works, and hours of audio cost no
 * memory: the decoder waits for the disk, and readers take spans of the file when they need them.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { DecodeFailure } from '#origin/audio/decode-failure.ts';

/** Samples per second of every spooled waveform. */
export const SAMPLE_RATE = 16_000;

export const BYTES_PER_SAMPLE = 4;

/** Takes the next bytes (f32le); resolves when they are on their way to the disk. */
export type WaveformWriter = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes the whole waveform, then resolves; a rejection becomes the waveform's failure. Must end soon after
 * `stop` is aborted.
 */
export type WaveformProducer = (
  write: WaveformWriter,
  stop: AbortSignal,
) => Promise<{ readonly truncated: boolean }>;

/** How much audio there is by now; `ended` says that no more will come. */
export interface WaveformProgress {
  readonly sampleCount: number;
  readonly ended: boolean;
}

interface Waiter {
  readonly samples: number;
  readonly resolve: (progress: WaveformProgress) => void;
  readonly reject: (failure: unknown) => void;
}

/**
 * A waveform on disk: 32-bit little-endian floats, mono, 16 kHz. Whoever creates it must `dispose` it, which
 * also deletes the file. The file must not exist before.
 */
export class SpooledWaveform {
  readonly path: string;
  readonly #stop = new AbortController();
  readonly #finished: Promise<void>;
  #waiters: Waiter[] = [];
  #byteCount = 0;
  #ended = false;
  #truncated = false;
  #failure: { readonly error: unknown } | null = null;
  #disposal: Promise<void> | null = null;

  constructor(path: string, produce: WaveformProducer) {
    this.path = path;
    this.#finished = this.#run(produce);
  }

  /** Samples on disk. */
  get sampleCount(): number {
    return Math.floor(this.#byteCount / BYTES_PER_SAMPLE);
  }

  /** No more samples will come: decoding is complete or has failed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The file broke off or was damaged; what could be read is here. Final once `ended`. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /**
   * Resolves once at least `samples` samples are on disk or decoding has ended; `Infinity` waits for the end.
   * @throws DecodeFailure as soon as decoding has failed, even if there are that many samples; any other error
   * (a full disk) is the server's own fault.
   */
  available(samples: number): Promise<WaveformProgress> {
    if (this.#failure !== null) return Promise.reject(this.#failure.error);
    if (this.#ended || this.sampleCount >= samples) return Promise.resolve(this.#progress());
    return new Promise((resolve, reject) => {
      this.#waiters.push({ samples, resolve, reject });
    });
  }

  /** Stops the decoder, waits until it is gone, deletes the file. May be called at any time and again. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #run(produce: WaveformProducer): Promise<void> {
    try {
      this.#truncated = await spool(this.path, produce, this.#stop.signal, (byteCount) => {
        this.#byteCount += byteCount;
        this.#wake();
      });
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#ended = true;
    this.#wake();
  }

  async #dispose(): Promise<void> {
    this.#failure ??= { error: new DecodeFailure('cancelled', 'The decoding was cancelled.') };
    this.#stop.abort();
    this.#wake();
    await this.#finished;
    await rm(this.path, { force: true });
  }

  #progress(): WaveformProgress {
    return { sampleCount: this.sampleCount, ended: this.#ended };
  }

  #wake(): void {
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) {
      if (this.#failure !== null) waiter.reject(this.#failure.error);
      else if (this.#ended || this.sampleCount >= waiter.samples) waiter.resolve(this.#progress());
      else this.#waiters.push(waiter);
    }
  }
}

async function spool(
  path: string,
  produce: WaveformProducer,
  stop: AbortSignal,
  onWritten: (byteCount: number) => void,
): Promise<boolean> {
  const file = await open(path, 'wx', 0o600);
  try {
    const { truncated } = await produce(async (bytes) => {
      await writeAll(file, bytes);
      onWritten(bytes.byteLength);
    }, stop);
    return truncated;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, written);
    written += bytesWritten;
  }
}
