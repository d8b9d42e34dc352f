import type { RttmTurn } from './rttm.ts';

export interface Stretch {
  readonly speaker: string;
  readonly startSeconds: number;
}

/** Stretches of a length, side by side, in which one speaker talks alone. */
export function soloStretches(turns: readonly RttmTurn[], seconds: number): Stretch[] {
  return turns.flatMap((turn) =>
    partsAlone(turn, turns).flatMap(([from, to]) =>
      Array.from({ length: Math.floor((to - from) / seconds) }, (_, i) => ({
        speaker: turn.speaker,
        startSeconds: from + i * seconds,
      })),
    ),
  );
}

function partsAlone(turn: RttmTurn, turns: readonly RttmTurn[]): [number, number][] {
  const others = turns.filter(({ speaker }) => speaker !== turn.speaker);
  const borders = others
    .flatMap(({ startSeconds, endSeconds }) => [startSeconds, endSeconds])
    .filter((time) => time > turn.startSeconds && time < turn.endSeconds);
  const times = [turn.startSeconds, ...borders.sort((a, b) => a - b), turn.endSeconds];
  return times.slice(1).flatMap((to, i): [number, number][] => {
    const from = times[i] ?? to;
    const middle = (from + to) / 2;
    const isAlone = others.every((o) => middle < o.startSeconds || middle > o.endSeconds);
    return isAlone ? [[from, to]] : [];
  });
}

/** Share of wrong answers at the threshold where as many of one speaker are parted as of two are taken for one. */
export function equalErrorRate(same: readonly number[], different: readonly number[]): number {
  const rates = [...same, ...different].map((threshold) => {
    const parted = same.filter((score) => score < threshold).length / same.length;
    const joined = different.filter((score) => score >= threshold).length / different.length;
    return { gap: Math.abs(parted - joined), rate: (parted + joined) / 2 };
  });
  return rates.reduce((best, next) => (next.gap < best.gap ? next : best)).rate;
}
