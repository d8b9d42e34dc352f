/** When subtitles appear and go: they follow the words, but stay long enough to be read. */

/** Something shown for a time. `columns`: how much there is to read. */
export interface Shown {
  readonly startMs: number;
  readonly endMs: number;
  readonly columns: number;
}

/**
 * Orders by start and makes times that never overlap: `start < end ≤ start of the next`. A subtitle stays until it can
 * be read, as long as the next one and the end of the recording leave room. Where two speak at once, the first one
 * stays until it can be read if that leaves the second its own time, and the second begins when the first has gone.
 */
export function arrange<Item extends Shown>(items: readonly Item[], durationMs: number): Item[] {
  const ordered = [...items].sort((a, b) => a.startMs - b.startMs);
  let freeFromMs = 0;
  return ordered.map((item, index) => {
    const next = ordered[index + 1];
    const nextMs = next?.startMs ?? Number.POSITIVE_INFINITY;
    const startMs = Math.max(item.startMs, freeFromMs);
    const spokenMs = Math.max(item.endMs, startMs + 1);
    const isCrowded = next !== undefined && spokenMs > nextMs;
    const endMs = isCrowded ? shareTime({ ...item, startMs, endMs: spokenMs }, next) : spokenMs;
    const readMs = Math.min(startMs + readingMs(item.columns), spokenMs + AFTER_MS);
    freeFromMs = Math.max(endMs, Math.min(readMs, nextMs, durationMs));
    return { ...item, startMs, endMs: freeFromMs };
  });
}

/** When a subtitle gives way to the next one, which has begun before it has ended. */
function shareTime(shown: Shown, next: Shown): number {
  const readMs = shown.startMs + readingMs(shown.columns);
  const latestMs = Math.max(next.endMs - readingMs(next.columns), shown.startMs + SHORTEST_MS);
  return Math.max(next.startMs, Math.min(shown.endMs, readMs, latestMs));
}

const SHORTEST_MS = 500;
/** Five sixths of a second: below, the eye does not notice a subtitle in time. */
const MIN_SHOWN_MS = 833;
const COLUMNS_PER_SECOND = 20;
const AFTER_MS = 1000;

function readingMs(columns: number): number {
  return Math.max(MIN_SHOWN_MS, Math.round((columns / COLUMNS_PER_SECOND) * 1000));
}
