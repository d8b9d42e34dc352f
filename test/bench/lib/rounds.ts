import type { BenchContext } from '#test/bench/lib/bench.ts';
import type { Contender, Transcription } from '#test/bench/lib/contender.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { pairedRatio, type Spread, spread } from '#test/bench/lib/statistics.ts';

/** Seconds of each contender, one number a round. */
export interface Timed {
  readonly contender: Contender;
  readonly seconds: readonly number[];
}

/**
 * One warm-up each, then A B C A B C …: in every round each contender transcribes the file once, alone on the machine.
 * `observe` sees each answer, warm-ups included.
 */
export async function interleave(
  context: BenchContext,
  contenders: readonly Contender[],
  file: string,
  observe: (contender: Contender, answer: Transcription) => void = () => undefined,
): Promise<Timed[]> {
  const seconds = new Map(contenders.map((contender) => [contender, [] as number[]]));
  await context.beside(async () => {
    for (const contender of contenders) observe(contender, await contender.transcribe(file));
  });
  for (let round = 0; round < context.options.runs; round += 1) {
    await context.alone(async () => {
      for (const contender of contenders) {
        const answer = await contender.transcribe(file);
        seconds.get(contender)!.push(answer.seconds);
        observe(contender, answer);
      }
    });
  }
  return [...seconds].map(([contender, times]) => ({ contender, seconds: times }));
}

/** A row each; the last column compares with the first contender, round by round. */
export function timingTable(timed: readonly Timed[], audioSeconds: number): Table {
  const first = timed[0]!;
  const rows = timed.map(({ contender, seconds }) => {
    const { median, min, max } = spread(seconds);
    const ratio =
      contender === first.contender ? '1' : ratioCell(pairedRatio(seconds, first.seconds));
    const speed = `${(audioSeconds / median).toFixed(1)}x`;
    return [
      contender.name,
      String(seconds.length),
      ...[median, min, max].map((s) => s.toFixed(2)),
      speed,
      ratio,
    ];
  });
  const columns = ['', 'runs', 'median s', 'min s', 'max s', 'real time'];
  return { columns: [...columns, `times ${first.contender.name}'s`], rows };
}

function ratioCell({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;
}
