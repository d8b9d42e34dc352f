import type { Bench } from '#test/bench/lib/bench.ts';
import { clipNamed } from '#test/bench/lib/clips.ts';
import { getText, transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import { startServer } from '#test/bench/lib/server.ts';
import { spread } from '#test/bench/lib/statistics.ts';

const LOAD_METRIC = /^mana_stt_model_load_duration_seconds(?:_sum)?(?:\{[^}]*\})? ([\d.e+-]+)$/m;

interface Start {
  readonly listen: number;
  readonly first: number;
  readonly second: number;
  /** What the server itself measured; null where GET /metrics does not say. */
  readonly load: number | null;
}

/** From nothing to the first transcript, with a new server each run. */
export const start: Bench = {
  name: 'start',
  summary: 'time until the server listens, and what the first use costs more than the second',
  async run({ options, alone, otherLoad }) {
    if (!options.ours) throw new Error('start measures the server only: leave out --no-ours');
    const starts: Start[] = [];
    for (let run = 0; run < options.runs; run += 1) {
      starts.push(await alone(() => startOnce(options)));
    }
    const row = (label: string, value: (s: Start) => number | null) => {
      const values = starts.map(value).filter((v) => v !== null);
      if (values.length === 0) return [label, '0', '-', '-', '-'];
      const { median, min, max } = spread(values);
      return [label, String(values.length), ...[median, min, max].map((v) => v.toFixed(2))];
    };
    return {
      name: 'start',
      title: 'Start and model load',
      tables: [
        {
          columns: ['', 'runs', 'median s', 'min s', 'max s'],
          rows: [
            row('process start until GET /health answers', (s) => s.listen),
            row('first jfk.flac (model not loaded)', (s) => s.first),
            row('second jfk.flac', (s) => s.second),
            row('first minus second', (s) => s.first - s.second),
            row("model load, by the server's own metric", (s) => s.load),
          ],
        },
      ],
      notes: [otherLoad(), 'Files may be in the page cache: nothing is flushed between runs.'],
    };
  },
};

async function startOnce(options: Parameters<typeof startServer>[0]): Promise<Start> {
  const server = await startServer(options);
  try {
    const { path } = clipNamed('jfk.flac');
    const first = await transcribeOverHttp(server.baseUrl, path, {});
    const second = await transcribeOverHttp(server.baseUrl, path, {});
    const load = LOAD_METRIC.exec((await getText(server.baseUrl, '/metrics')) ?? '')?.[1];
    return {
      listen: server.listenSeconds,
      first: first.seconds,
      second: second.seconds,
      load: load === undefined ? null : Number(load),
    };
  } finally {
    await server.stop();
  }
}
