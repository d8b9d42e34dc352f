import type { SpeakerTurn, TimeSpan } from '#shared/contracts/transcript.ts';

/** Seconds that each speaker talks in a span. */
export type SpeakerTimes = ReadonlyMap<string, number>;

/** Finds the turns at a time, without looking at all of them. */
export class TurnIndex {
  /** By start. */
  readonly #turns: readonly SpeakerTurn[];
  /** The latest end among the turns up to each one. */
  readonly #latestEnd: Float64Array;

  constructor(turns: readonly SpeakerTurn[]) {
    this.#turns = [...turns].sort((a, b) => a.startSeconds - b.startSeconds);
    this.#latestEnd = new Float64Array(this.#turns.length);
    let latest = Number.NEGATIVE_INFINITY;
    for (const [i, { endSeconds }] of this.#turns.entries()) {
      latest = Math.max(latest, endSeconds);
      this.#latestEnd[i] = latest;
    }
  }

  /** Seconds of each speaker within the span; of one without length, 0 for those who talk there. */
  timesIn(span: TimeSpan): SpeakerTimes {
    const times = new Map<string, number>();
    for (const { speaker, startSeconds, endSeconds } of this.#around(span, 0)) {
      const shared =
        Math.min(endSeconds, span.endSeconds) - Math.max(startSeconds, span.startSeconds);
      if (shared > 0 || (shared === 0 && span.startSeconds === span.endSeconds)) {
        times.set(speaker, (times.get(speaker) ?? 0) + shared);
      }
    }
    return times;
  }

  /** Speaker of the turn that lies nearest to the span, at most so far away; null for none. */
  nearest(span: TimeSpan, maxSeconds: number): string | null {
    let [best, distance] = [null as string | null, maxSeconds];
    for (const { speaker, startSeconds, endSeconds } of this.#around(span, maxSeconds)) {
      const away = Math.max(startSeconds - span.endSeconds, span.startSeconds - endSeconds, 0);
      if (away < distance || (best === null && away === distance)) {
        [best, distance] = [speaker, away];
      }
    }
    return best;
  }

  /** Turns that begin before the span's end and may end after its start, both widened. */
  *#around(span: TimeSpan, margin: number): Generator<SpeakerTurn> {
    const [from, to] = [span.startSeconds - margin, span.endSeconds + margin];
    for (let i = this.#firstAfter(to) - 1; i >= 0 && this.#latestEnd[i]! >= from; i -= 1) {
      if (this.#turns[i]!.endSeconds >= from) yield this.#turns[i]!;
    }
  }

  /** Index of the first turn that begins after a time. */
  #firstAfter(seconds: number): number {
    let [low, high] = [0, this.#turns.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#turns[middle]!.startSeconds <= seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
