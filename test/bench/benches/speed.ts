import { audioSeconds } from '#test/bench/lib/audio-files.ts';
import { type Bench, type BenchContext, present } from '#test/bench/lib/bench.ts';
import { clipNamed } from '#test/bench/lib/clips.ts';
import type { Report } from '#test/bench/lib/report.ts';
import { interleave, timingTable } from '#test/bench/lib/rounds.ts';

/** A recording of 100 s, end to end, against the peers. */
export const speed: Bench = {
  name: 'speed',
  summary: 'en_long.flac (100 s) end to end over HTTP with word times, against the peers',
  run: (context) => timeClip(context, { name: 'speed', clip: 'en_long.flac', title: 'Speed' }),
};

/** A clip of 11 s with the model warm. */
export const short: Bench = {
  name: 'short',
  summary: 'jfk.flac (11 s), the model warm',
  run: (context) => timeClip(context, { name: 'short', clip: 'jfk.flac', title: 'Short clip' }),
};

async function timeClip(
  context: BenchContext,
  { name, clip, title }: { name: string; clip: string; title: string },
): Promise<Report> {
  const { path } = clipNamed(clip);
  const seconds = await audioSeconds(path);
  const contenders = present([
    await context.ours(),
    await context.fasterWhisper('batched'),
    await context.whisperx(),
  ]);
  const timed = await interleave(context, contenders, path);
  return {
    name,
    title: `${title}: ${clip}, ${seconds.toFixed(0)} s`,
    tables: [timingTable(timed, seconds)],
    notes: [
      'Runs are interleaved: each round runs every row once, one after another; one warm-up each is not counted.',
      'Ratios compare the runs of one round: median (lowest-highest).',
      'mana-stt is timed by the HTTP client, a peer inside its own loaded process.',
      context.otherLoad(),
      ...contenders.map((contender) => `${contender.name}: ${contender.settings}.`),
    ],
  };
}
