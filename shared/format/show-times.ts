/** When subtitles appear and go: they follow the words, but stay long enough to be read. */

/** Something shown for a time. `columns`: how much there is to read. */
export interface Shown {
  readonly startMs: number;
  readonly endMs: number;
  readonly columns: number;
}

/**
 * Orders by start and makes times that never overlap: `start < end ≤ start of the next`. A subtitle stays until it can
 * be read, as long as the next one and the end of the recording leave room. Where two speak at once, the first one is
 * cut short, though never below half a second; the next one then begins later.
 */
export function arrange<Item extends Shown>(items: readonly Item[], durationMs: number): Item[] {
  const ordered = [...items].sort((a, b) => a.startMs - b.startMs);
  let freeFromMs = 0;
  return ordered.map((item, index) => {
    const nextMs = ordered[index + 1]?.startMs ?? Number.POSITIVE_INFINITY;
    const startMs = Math.max(item.startMs, freeFromMs);
    const spokenMs = Math.max(item.endMs, startMs + 1);
    const shortestMs = Math.min(spokenMs, startMs + SHORTEST_MS);
    const endMs = spokenMs > nextMs ? Math.max(nextMs, shortestMs) : spokenMs;
    const readMs = Math.min(startMs + readingMs(item.columns), spokenMs + AFTER_MS);
    freeFromMs = Math.max(endMs, Math.min(readMs, nextMs, durationMs));
    return { ...item, startMs, endMs: freeFromMs };
  });
}

const SHORTEST_MS = 500;
/** Five sixths of a second: below, the eye does not notice a subtitle in time. */
const MIN_SHOWN_MS = 833;
const COLUMNS_PER_SECOND = 20;
const AFTER_MS = 1000;

function readingMs(columns: number): number {
  return Math.max(MIN_SHOWN_MS, Math.round((columns / COLUMNS_PER_SECOND) * 1000));
}
