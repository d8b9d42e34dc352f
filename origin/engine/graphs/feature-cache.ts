import type { AudioSpan } from '../protocol.ts';
import type { AudioFeatures } from './whisper-graphs.ts';

/** Audio features of the chunks used last: language detection, decoding and each fallback need the same ones. */
export class FeatureCache {
  readonly #capacity: number;
  readonly #entries = new Map<string, AudioFeatures>();

  /** @param capacity most chunks kept; a chunk of Whisper base takes 3 MB, of large 8 MB */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(model: string, span: AudioSpan): AudioFeatures | undefined {
    const key = keyOf(model, span);
    const found = this.#entries.get(key);
    if (found) {
      this.#entries.delete(key);
      this.#entries.set(key, found);
    }
    return found;
  }

  put(model: string, span: AudioSpan, features: AudioFeatures): void {
    this.#entries.set(keyOf(model, span), features);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#capacity) return;
      this.#entries.delete(oldest);
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}

function keyOf(model: string, { path, startSample, sampleCount }: AudioSpan): string {
  return `${model}|${startSample}|${sampleCount}|${path}`;
}
