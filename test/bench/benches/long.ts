import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { longRecording } from '#test/bench/lib/audio-files.ts';
import type { Bench } from '#test/bench/lib/bench.ts';
import { fixtureClips, realRecordings } from '#test/bench/lib/clips.ts';
import { transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import { SAMPLE_MS, treeMemory, withPeak } from '#test/bench/lib/process-memory.ts';
import { startServer } from '#test/bench/lib/server.ts';

const SHARES = [1 / 6, 1 / 3, 1];
const FIELDS = { diarize: 'true' };

/** Hours of audio with speakers: time and memory must grow no faster than the recording. */
export const long: Bench = {
  name: 'long',
  summary: 'recordings of a sixth, a third and all of --hours with speakers: time and memory',
  async run({ options, alone, otherLoad }) {
    if (!options.ours) throw new Error('long measures the server only: leave out --no-ours');
    const real = realRecordings();
    const sources = real.length > 0 ? real : fixtureClips().map(({ path }) => path);
    const server = await startServer(options);
    const folder = await mkdtemp(join(os.tmpdir(), 'bench-long-'));
    try {
      const warm = await withPeak(server.pid, async () => {
        for (const source of sources) await ask(server.baseUrl, source);
      });
      const base = Math.max(warm.peak.rssMib, treeMemory(server.pid).rssMib);
      const rows = [];
      for (const share of SHARES) {
        const hours = options.hours * share;
        const file = await longRecording(folder, sources, hours * 3600);
        const { result, peak } = await alone(() =>
          withPeak(server.pid, () => ask(server.baseUrl, file)),
        );
        const growth = peak.rssMib - base;
        rows.push([
          `${hours.toFixed(1)} h`,
          result.seconds.toFixed(0),
          `${((hours * 3600) / result.seconds).toFixed(1)}x`,
          peak.rssMib.toFixed(0),
          growth.toFixed(0),
        ]);
      }
      return {
        name: 'long',
        title: 'Hours of audio with speakers',
        tables: [
          { columns: ['', 'seconds', 'real time', 'highest RSS MiB', 'more than before'], rows },
        ],
        notes: [
          `Before: ${base.toFixed(0)} MiB at most while each of the ${sources.length} sources ran alone.`,
          `Sums over the process tree, sampled every ${SAMPLE_MS} ms. The recording repeats the sources, as 48 kbit/s MP3.`,
          otherLoad(),
        ],
      };
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function ask(baseUrl: string, file: string) {
  return transcribeOverHttp(baseUrl, file, { fields: FIELDS });
}
