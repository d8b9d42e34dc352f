import type { TimeSpan } from '#shared/contracts/transcript.ts';

/** Seconds that two spans share. */
export function overlapSeconds(a: Readonly<TimeSpan>, b: Readonly<TimeSpan>): number {
  const start = Math.max(a.startSeconds, b.startSeconds);
  return Math.max(0, Math.min(a.endSeconds, b.endSeconds) - start);
}

export function secondsOf(spans: readonly Readonly<TimeSpan>[]): number {
  return spans.reduce((sum, { startSeconds, endSeconds }) => sum + endSeconds - startSeconds, 0);
}

/** What of `spans` lies in none of `taken`; `taken` may overlap one another. Both in order of their starts. */
export function subtractSpans(
  spans: readonly Readonly<TimeSpan>[],
  taken: readonly Readonly<TimeSpan>[],
): TimeSpan[] {
  const rest: TimeSpan[] = [];
  for (const { startSeconds, endSeconds } of spans) {
    let from = startSeconds;
    for (const other of taken) {
      if (other.endSeconds <= from) continue;
      if (other.startSeconds >= endSeconds) break;
      if (other.startSeconds > from) {
        rest.push({ startSeconds: from, endSeconds: other.startSeconds });
      }
      from = other.endSeconds;
    }
    if (from < endSeconds) rest.push({ startSeconds: from, endSeconds });
  }
  return rest;
}

/** Neighbours less than `gapSeconds` apart become one span. In order. */
export function joinSpans(spans: readonly Readonly<TimeSpan>[], gapSeconds: number): TimeSpan[] {
  const joined: TimeSpan[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last && span.startSeconds - last.endSeconds < gapSeconds) {
      last.endSeconds = Math.max(last.endSeconds, span.endSeconds);
    } else joined.push({ ...span });
  }
  return joined;
}
