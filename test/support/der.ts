/**
 * Diarization error rate, as pyannote.metrics counts it with overlaps scored: missed speech, false alarms and confusion
 * of speakers, after the mapping of labels that explains most, over the reference's speaker time.
 */

import { bestMatching } from '#origin/diarize/best-matching.ts';
import type { RttmTurn } from '#test/support/rttm.ts';

export interface DiarizationErrors {
  /** Seconds of speech in the reference; two speakers at once count twice. */
  readonly totalSeconds: number;
  readonly missedSeconds: number;
  readonly falseAlarmSeconds: number;
  readonly confusionSeconds: number;
  /** Name in the hypothesis → name in the reference. */
  readonly mapping: ReadonlyMap<string, string>;
}

interface Options {
  /** Seconds left out around each boundary of the reference, half on each side, as in pyannote.metrics. */
  readonly collar?: number;
}

/** Errors of one recording. */
export function derOf(
  reference: readonly RttmTurn[],
  hypothesis: readonly RttmTurn[],
  { collar = 0 }: Options = {},
): DiarizationErrors {
  const pieces = piecesOf(reference, hypothesis, collar);
  const mapping = mapSpeakers(pieces);
  const errors = { totalSeconds: 0, missedSeconds: 0, falseAlarmSeconds: 0, confusionSeconds: 0 };
  for (const { seconds, expected, found } of pieces) {
    const right = [...found].filter((name) => expected.has(mapping.get(name) ?? '')).length;
    errors.totalSeconds += seconds * expected.size;
    errors.missedSeconds += seconds * Math.max(0, expected.size - found.size);
    errors.falseAlarmSeconds += seconds * Math.max(0, found.size - expected.size);
    errors.confusionSeconds += seconds * (Math.min(expected.size, found.size) - right);
  }
  return { ...errors, mapping };
}

/** Errors of all recordings over the speech of all; 0 where nothing was said and nothing found, else Infinity. */
export function errorRateOf(errors: readonly DiarizationErrors[]): number {
  const wrong = errors.reduce(
    (sum, e) => sum + e.missedSeconds + e.falseAlarmSeconds + e.confusionSeconds,
    0,
  );
  if (wrong === 0) return 0;
  return wrong / errors.reduce((sum, e) => sum + e.totalSeconds, 0);
}

/** A stretch of time in which nobody begins or ends. */
interface Piece {
  readonly seconds: number;
  readonly expected: ReadonlySet<string>;
  readonly found: ReadonlySet<string>;
}

function piecesOf(
  reference: readonly RttmTurn[],
  hypothesis: readonly RttmTurn[],
  collar: number,
): Piece[] {
  const edges = reference.flatMap(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]);
  const skipped = collar > 0 ? edges.map((edge) => [edge - collar / 2, edge + collar / 2]) : [];
  const all = [...reference, ...hypothesis].flatMap((t) => [t.startSeconds, t.endSeconds]);
  const times = [...new Set([...all, ...skipped.flat()])].sort((a, b) => a - b);
  const pieces: Piece[] = [];
  for (const [i, start] of times.entries()) {
    const end = times[i + 1];
    if (end === undefined) break;
    const middle = (start + end) / 2;
    if (skipped.some(([from, to]) => middle > from! && middle < to!)) continue;
    const [expected, found] = [speakersAt(reference, middle), speakersAt(hypothesis, middle)];
    pieces.push({ seconds: end - start, expected, found });
  }
  return pieces;
}

function speakersAt(turns: readonly RttmTurn[], seconds: number): Set<string> {
  const active = turns.filter((t) => t.startSeconds <= seconds && seconds < t.endSeconds);
  return new Set(active.map(({ speaker }) => speaker));
}

function mapSpeakers(pieces: readonly Piece[]): Map<string, string> {
  const names = (of: (piece: Piece) => ReadonlySet<string>) => [
    ...new Set(pieces.flatMap((piece) => [...of(piece)])),
  ];
  const [found, expected] = [names((piece) => piece.found), names((piece) => piece.expected)];
  const together = found.map((name) =>
    expected.map((other) =>
      pieces
        .filter((piece) => piece.found.has(name) && piece.expected.has(other))
        .reduce((sum, { seconds }) => sum + seconds, 0),
    ),
  );
  const match = bestMatching(together);
  return new Map(
    found.flatMap((name, i) => (match[i]! >= 0 ? [[name, expected[match[i]!]!] as const] : [])),
  );
}
