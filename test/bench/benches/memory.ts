import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { longRecording } from '#test/bench/lib/audio-files.ts';
import type { Bench } from '#test/bench/lib/bench.ts';
import { fixtureClips } from '#test/bench/lib/clips.ts';
import { transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import {
  SAMPLE_MS,
  type TreeMemory,
  treeMemory,
  withPeak,
} from '#test/bench/lib/process-memory.ts';
import { startServer } from '#test/bench/lib/server.ts';

/** Memory of the server and its engine: at start, after work, and during a long recording. */
export const memory: Bench = {
  name: 'memory',
  summary: 'resident memory of server and engine, and during a recording of --hours (3)',
  async run({ options, beside }) {
    if (!options.ours) throw new Error('memory measures the server only: leave out --no-ours');
    const server = await startServer(options);
    const clips = fixtureClips().map((clip) => clip.path);
    const folder = await mkdtemp(join(os.tmpdir(), 'bench-memory-'));
    const watch = <T>(task: () => Promise<T>) => beside(() => withPeak(server.pid, task));
    try {
      const idle = treeMemory(server.pid);
      const work = await watch(async () => {
        for (const clip of [...clips, ...clips]) await transcribeOverHttp(server.baseUrl, clip, {});
      });
      const after = treeMemory(server.pid);
      const file = await beside(() => longRecording(folder, clips, options.hours * 3600));
      const long = await watch(() => transcribeOverHttp(server.baseUrl, file, {}));
      const end = treeMemory(server.pid);
      const growth = long.peak.rssMib - Math.max(work.peak.rssMib, after.rssMib);
      const label = `${options.hours} h recording`;
      return {
        name: 'memory',
        title: 'Memory of server and engine',
        tables: [
          {
            columns: ['', 'processes', 'RSS MiB', 'PSS MiB'],
            rows: [
              row('listening, no model loaded', idle),
              row('highest while the fixtures run twice', work.peak),
              row('after them', after),
              row(`highest during a ${label}`, long.peak),
              row('after it', end),
            ],
          },
        ],
        notes: [
          `The ${label} raises the highest RSS by ${growth.toFixed(0)} MiB; it took ${long.result.seconds.toFixed(0)} s.`,
          `Sums over the process tree, sampled every ${SAMPLE_MS} ms; RSS counts a shared page in each process, PSS once.`,
          'The recording repeats the fixtures, as 48 kbit/s MP3.',
        ],
      };
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function row(label: string, { processes, rssMib, pssMib }: TreeMemory): string[] {
  return [label, String(processes), rssMib.toFixed(0), pssMib.toFixed(0)];
}
