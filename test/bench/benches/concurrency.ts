import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { audioSeconds, longRecording } from '#test/bench/lib/audio-files.ts';
import type { Bench, BenchContext } from '#test/bench/lib/bench.ts';
import { type Clip, clipNamed, fixtureClips, sharedClips } from '#test/bench/lib/clips.ts';
import { transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { pairedRatio, spread } from '#test/bench/lib/statistics.ts';

const CLIENTS = 8;
const LONG_SECONDS = 3600;
/** How long the long recording runs before the first short clip is sent, and the gap between two of them. */
const HEAD_START_MS = 10_000;
const GAP_MS = 2_000;

/** Eight clients at once against the same files one by one, and a short clip beside a long recording. */
export const concurrency: Bench = {
  name: 'concurrency',
  summary: '8 clients with files of 5-100 s, and a 5 s clip while a 1 h recording runs',
  async run(context) {
    const { baseUrl } = await context.server();
    const clips = [...fixtureClips(), ...sharedClips()].slice(0, CLIENTS);
    await context.beside(() => oneByOne(baseUrl, clips));
    const [alone, together]: [number[], number[]] = [[], []];
    for (let round = 0; round < context.options.runs; round += 1) {
      alone.push(await context.alone(() => oneByOne(baseUrl, clips)));
      together.push(await context.alone(() => atOnce(baseUrl, clips)));
    }
    const seconds = (await Promise.all(clips.map((clip) => audioSeconds(clip.path)))).toSorted(
      (a, b) => a - b,
    );
    return {
      name: 'concurrency',
      title: 'Concurrency',
      tables: [crowdTable(alone, together), await besideLongTable(context, baseUrl)],
      notes: [
        `${clips.length} files of ${seconds.map((s) => s.toFixed(0)).join(', ')} s; a client each.`,
        'Ratio: all at once over one by one, round by round: median (lowest-highest).',
        `The 5 s clip (en_quilter.wav) is sent ${HEAD_START_MS / 1000} s after the long recording, then ${GAP_MS / 1000} s after each answer.`,
        context.otherLoad(),
      ],
    };
  },
};

async function oneByOne(baseUrl: string, clips: readonly Clip[]): Promise<number> {
  const started = performance.now();
  for (const clip of clips) await transcribeOverHttp(baseUrl, clip.path, {});
  return (performance.now() - started) / 1000;
}

async function atOnce(baseUrl: string, clips: readonly Clip[]): Promise<number> {
  const started = performance.now();
  await Promise.all(clips.map((clip) => transcribeOverHttp(baseUrl, clip.path, {})));
  return (performance.now() - started) / 1000;
}

function crowdTable(alone: readonly number[], together: readonly number[]): Table {
  const ratio = pairedRatio(together, alone);
  const row = (label: string, values: readonly number[], last: string) => {
    const { median, min, max } = spread(values);
    return [label, String(values.length), ...[median, min, max].map((v) => v.toFixed(2)), last];
  };
  const range = `${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}`;
  return {
    columns: ['', 'runs', 'median s', 'min s', 'max s', 'ratio'],
    rows: [
      row('one by one', alone, '1'),
      row(`${CLIENTS} clients at once`, together, `${ratio.median.toFixed(2)} (${range})`),
    ],
  };
}

/** The long request is abandoned at the end, as by a client that leaves. */
async function besideLongTable(context: BenchContext, baseUrl: string): Promise<Table> {
  const folder = await mkdtemp(join(os.tmpdir(), 'bench-concurrency-'));
  const leave = new AbortController();
  try {
    const sources = fixtureClips().map((clip) => clip.path);
    const file = await context.beside(() => longRecording(folder, sources, LONG_SECONDS));
    const quick = clipNamed('en_quilter.wav').path;
    return await context.alone(async () => {
      const idle = await sample(context, () => transcribeOverHttp(baseUrl, quick, {}), 0);
      const long = transcribeOverHttp(baseUrl, file, { signal: leave.signal });
      let state = 'running';
      long.then(
        () => (state = 'done'),
        (error) => (state = `failed: ${error}`),
      );
      await delay(HEAD_START_MS);
      const busy = await sample(context, () => transcribeOverHttp(baseUrl, quick, {}), GAP_MS);
      if (state !== 'running') throw new Error(`the long recording was ${state} before the clips`);
      return {
        columns: ['5 s clip', 'runs', 'median s', 'min s', 'max s'],
        rows: [row('alone', idle), row('while a 1 h recording runs', busy)],
      };
    });
  } finally {
    leave.abort();
    await rm(folder, { recursive: true, force: true });
  }
}

async function sample(
  { options }: BenchContext,
  request: () => Promise<{ readonly seconds: number }>,
  gapMs: number,
): Promise<number[]> {
  const seconds: number[] = [];
  for (let run = 0; run < options.runs; run += 1) {
    seconds.push((await request()).seconds);
    await delay(gapMs);
  }
  return seconds;
}

function row(label: string, values: readonly number[]): string[] {
  const { median, min, max } = spread(values);
  return [label, String(values.length), ...[median, min, max].map((v) => v.toFixed(2))];
}
