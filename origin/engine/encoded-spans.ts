import type { AudioSpan } from './protocol.ts';

/**
 * Which chunks' audio features the engine holds, as far as the service knows. A wrong "yes" costs time, never
 * correctness: the engine computes what it no longer has. The least recently used is forgotten first.
 */
export class EncodedSpans {
  readonly #capacity: number;
  readonly #keys = new Set<string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  has(model: string, span: AudioSpan): boolean {
    return this.#keys.has(keyOf(model, span));
  }

  remember(model: string, spans: readonly AudioSpan[]): void {
    for (const span of spans) {
      const key = keyOf(model, span);
      this.#keys.delete(key);
      this.#keys.add(key);
    }
    for (const key of this.#keys) {
      if (this.#keys.size <= this.#capacity) return;
      this.#keys.delete(key);
    }
  }

  /** The process was lost, and its cache with it. */
  clear(): void {
    this.#keys.clear();
  }
}

function keyOf(model: string, span: AudioSpan): string {
  return JSON.stringify([model, span.path, span.startSample, span.sampleCount]);
}
