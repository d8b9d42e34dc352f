import type { StageMetrics } from '#origin/metrics/metrics.ts';
import type { TranscribeRequest } from '#origin/pipeline/transcriber.ts';

/** Adds up how long each stage of one request took; stages overlap, so the sum exceeds the whole. */
export class StageTimes {
  readonly #metrics: StageMetrics;
  readonly #onStage: TranscribeRequest['onStage'];
  readonly #milliseconds = new Map<string, number>();

  constructor(metrics: StageMetrics, onStage?: TranscribeRequest['onStage']) {
    this.#metrics = metrics;
    this.#onStage = onStage;
  }

  async measure<T>(stage: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.add(stage, performance.now() - started);
    }
  }

  add(stage: string, milliseconds: number): void {
    this.#milliseconds.set(stage, (this.#milliseconds.get(stage) ?? 0) + milliseconds);
    this.#metrics.observeStage(stage, milliseconds / 1000);
    const endMs = performance.now();
    this.#onStage?.(stage, endMs - milliseconds, endMs);
  }

  toRecord(): Record<string, number> {
    const entries = [...this.#milliseconds].map(([stage, ms]) => [stage, Math.round(ms)]);
    return Object.fromEntries(entries);
  }
}
