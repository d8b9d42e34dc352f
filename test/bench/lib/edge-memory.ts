/** How much memory workerd takes while 100 MB go through it. */
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchContext } from '#test/bench/lib/bench.ts';
import type { EdgeChain } from '#test/bench/lib/edge-chain.ts';
import { processTree } from '#test/bench/lib/process-memory.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { FORM_TYPE, formWith, timedRequest } from '#test/bench/lib/timed-request.ts';
import { secondsOf, wavOfSize } from '#test/bench/lib/wav.ts';
import type { RunningEdge } from '#test/support/running-edge.ts';

const SIZE_BYTES = 100_000_000;
/** As many bytes a second as WAV allows in practice, so that the origin has little to do. */
const FORM = { sampleRate: 192_000, channels: 8 };
/** With a second origin, which could be asked next, the Worker keeps the recording in R2 on its way. */
const KINDS = [
  { hasLength: true, origins: 1 },
  { hasLength: false, origins: 1 },
  { hasLength: true, origins: 2 },
] as const;
/** For what the upload before left to be given back. */
const SETTLE_MS = 2000;

/** Three rows for each kind, one after another through a Worker that is new before the first. */
export async function memoryTable(context: BenchContext, chain: EdgeChain): Promise<Table> {
  const wav = wavOfSize(SIZE_BYTES, FORM);
  const body = formWith(wav, 'long.wav');
  const small = formWith(wavOfSize(1_000_000, FORM), 'short.wav');
  const seconds = secondsOf(wav, FORM);
  const rows: string[][] = [];
  for (const { hasLength, origins } of KINDS) {
    const edge = await context.beside(() => chain.startFresh(origins));
    const upload = (file: Uint8Array, sent: Sent) => send({ edge, chain, file, sent });
    try {
      await context.beside(() => upload(small, { seconds: 0, hasLength }));
      for (const nth of ['first', 'second', 'third']) {
        await delay(SETTLE_MS);
        const length = `${hasLength ? 'with' : 'without'} Content-Length`;
        const label = `${nth}, ${length}, ${origins === 1 ? 'one origin' : 'two origins'}`;
        const found = await context.alone(() =>
          measure(edge.pid, () => upload(body, { seconds, hasLength })),
        );
        rows.push([label, ...found]);
      }
    } finally {
      await edge.stop();
    }
  }
  const columns = ['100 MB upload', 's', 'workerd processes', 'RSS before, MiB', 'peak RSS, MiB'];
  return { columns: [...columns, 'grows MiB'], rows };
}

interface Sent {
  /** What the origin must find in it; 0: not looked at. */
  readonly seconds: number;
  readonly hasLength: boolean;
}

async function measure(pid: number, upload: () => Promise<number>): Promise<string[]> {
  // wrangler runs its own proxy in one and the Worker in another, which also plays R2 and Durable Objects: all count.
  const workers = processTree(pid).filter(isWorkerd);
  const total = (field: string) => workers.reduce((sum, it) => sum + mebibytes(it, field), 0);
  for (const worker of workers) forgetPeak(worker);
  const before = total('VmRSS');
  const ms = await upload();
  const peak = total('VmHWM');
  const numbers = [before, peak, peak - before].map((mib) => mib.toFixed(1));
  return [(ms / 1000).toFixed(2), String(workers.length), ...numbers];
}

interface Upload {
  readonly edge: RunningEdge;
  readonly chain: EdgeChain;
  readonly file: Uint8Array;
  readonly sent: Sent;
}

/** @returns milliseconds. @throws when the origin did not get the whole recording */
async function send({ edge, chain, file, sent }: Upload): Promise<number> {
  const agent = new http.Agent();
  const headers = { 'content-type': FORM_TYPE, 'x-api-key': chain.localKey };
  const { hasLength } = sent;
  const url = `${edge.url}/transcribe`;
  const answer = await timedRequest({ url, agent, headers, body: file, hasLength });
  if (answer.status !== 200) throw new Error(`the upload got ${answer.status}: ${answer.body}`);
  const { duration_seconds: found } = JSON.parse(answer.body) as { duration_seconds: number };
  if (sent.seconds > 0 && Math.abs(found - sent.seconds) > 0.01) {
    throw new Error(`the origin found ${found} s in a recording of ${sent.seconds} s`);
  }
  return answer.ms;
}

function isWorkerd(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('workerd');
}

/** The kernel's own high-water mark misses nothing between two samples. */
function mebibytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
}

/** Sets that mark back to what is resident now. Source: proc(5), clear_refs, 5. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
