import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchOptions } from '#test/bench/lib/bench.ts';
import { clipNamed } from '#test/bench/lib/clips.ts';
import { getText, transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import { processTree, type TreeMemory, treeMemory } from '#test/bench/lib/process-memory.ts';
import { startServer } from '#test/bench/lib/server.ts';
import { spread } from '#test/bench/lib/statistics.ts';

/** Seconds without work after which the engine ends. */
const IDLE_SECONDS = 1;
const END_LIMIT_SECONDS = 30;
const POLL_MS = 20;
const LOADS = /^mana_stt_model_load_duration_seconds_sum(?:\{[^}]*\})? ([\d.e+-]+)$/m;

/** Once through: use, idle, gone, use again. */
interface Round {
  readonly loaded: TreeMemory;
  readonly idle: TreeMemory;
  /** Seconds from the answer until the engine's process was gone. */
  readonly gone: number;
  /** Seconds of a request that finds the model loaded, and of one that has to load it. */
  readonly warm: number;
  readonly again: number;
  /** Of which Whisper's sessions, by the server's own metric. */
  readonly load: number;
}

/** What an idle engine gives back, and what the next request pays for it. */
export const unload: Bench = {
  name: 'unload',
  summary:
    'memory before and after VRAM_IDLE_TIMEOUT, and what the next request waits for the model',
  async run({ options, alone, otherLoad }) {
    if (!options.ours) throw new Error('unload measures the server only: leave out --no-ours');
    const folder = await mkdtemp(join(os.tmpdir(), 'bench-unload-'));
    const env = { ...options.env, VRAM_IDLE_TIMEOUT: String(IDLE_SECONDS), DATA_DIR: folder };
    const rounds: Round[] = [];
    try {
      for (let run = 0; run < options.runs; run += 1) {
        rounds.push(await alone(() => roundOf({ ...options, env })));
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const row = (label: string, digits: number, value: (round: Round) => number) => {
      const { median, min, max } = spread(rounds.map(value));
      const numbers = [median, min, max].map((it) => it.toFixed(digits));
      return [label, String(rounds.length), ...numbers];
    };
    return {
      name: 'unload',
      title: 'Unload and load again',
      tables: [
        {
          columns: ['', 'runs', 'median', 'min', 'max'],
          rows: [
            row('RSS of the engine after work, MiB', 0, ({ loaded }) => loaded.rssMib),
            row('RSS of it after the idle time, MiB', 0, ({ idle }) => idle.rssMib),
            row(`until its process is gone (idle time ${IDLE_SECONDS} s), s`, 2, (r) => r.gone),
            row('jfk.flac, model loaded, s', 2, (r) => r.warm),
            row('jfk.flac, after the unload, s', 2, (r) => r.again),
            row('what loading again costs, s', 2, (r) => r.again - r.warm),
            row("of which Whisper's load, by the server's own metric, s", 2, (r) => r.load),
          ],
        },
      ],
      notes: [otherLoad(), 'Files are in the page cache when they are loaded again.'],
    };
  },
};

async function roundOf(options: BenchOptions): Promise<Round> {
  const server = await startServer(options);
  const { path } = clipNamed('jfk.flac');
  const ask = async () => (await transcribeOverHttp(server.baseUrl, path, {})).seconds;
  const loads = async () =>
    Number(LOADS.exec((await getText(server.baseUrl, '/metrics')) ?? '')?.[1]);
  try {
    await ask();
    const warm = await ask();
    const loaded = engineMemory(server.pid);
    const before = await loads();
    const gone = await secondsUntilGone(server.pid);
    const idle = engineMemory(server.pid);
    const again = await ask();
    return { loaded, idle, gone, warm, again, load: (await loads()) - before };
  } finally {
    await server.stop();
  }
}

/** Of the process under the server's own: decoders have ended by then. */
function engineMemory(serverPid: number): TreeMemory {
  const [, child] = processTree(serverPid);
  return child === undefined ? { processes: 0, rssMib: 0, pssMib: 0 } : treeMemory(child);
}

async function secondsUntilGone(serverPid: number): Promise<number> {
  const started = performance.now();
  const passed = () => (performance.now() - started) / 1000;
  while (processTree(serverPid).length > 1) {
    if (passed() > END_LIMIT_SECONDS) {
      throw new Error(`the engine's process was still there after ${END_LIMIT_SECONDS} s`);
    }
    await delay(POLL_MS);
  }
  return passed();
}
