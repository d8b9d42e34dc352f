import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { systemClock } from '#origin/engine/clock.ts';
import { openVram, type Vram } from '#origin/vram/open-vram.ts';
import { GpuLease } from '#shared/contracts/gpu-leases.ts';
import type { Bench } from '#test/bench/lib/bench.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { spread } from '#test/bench/lib/statistics.ts';
import { INTERNAL_KEY, startGpuOrigin } from '#test/support/gpu-origin.ts';
import { anySchedule, kindSchedule, type Schedule } from '#test/support/ledger-schedules.ts';
import { type Outcome, runSchedule } from '#test/support/ledger-world.ts';
import { newDemand } from '#test/support/new-lease.ts';

const SCHEDULES = 10_000;
const CLIENTS = 50;
const LEASES = 2000;

/** The ledger of GPU memory: what it promises in random schedules, and how many leases it gives per second. */
export const ledger: Bench = {
  name: 'ledger',
  summary: `${SCHEDULES} random schedules of GPU leases, and leases per second`,
  async run(context) {
    const { runs } = context.options;
    const schedules = await context.alone(async () => scheduleTable());
    const rows: string[][] = [];
    for (const [label, measure] of WAYS) {
      const rates: number[] = [];
      for (let run = 0; run < runs; run += 1) rates.push(await context.alone(measure));
      const { median, min, max } = spread(rates);
      rows.push([label, String(runs), ...[median, min, max].map((value) => value.toFixed(0))]);
    }
    const rate: Table = { columns: ['leases per second', 'runs', 'median', 'min', 'max'], rows };
    return {
      name: 'ledger',
      title: 'GPU leases',
      tables: [schedules, rate],
      notes: [
        'Schedules: up to 14 processes on one or two cards that load, use, leak, crash, keep their memory, refuse or ignore the question, besides programs that never ask, failing readings and cards that vanish. Kind ones: up to 20 that behave, and wait as long as it takes.',
        'A fault: a card promised more than it has at any event, a lease lost or left over, one asked to go in use, somebody without an answer after its deadline.',
        `Leases: ${LEASES} by ${CLIENTS} clients at once, each given back at once, written to the disk. After each release a reading must begin before the next lease. The fake nvidia-smi is a shell script; over HTTP a lease is two requests, and the clients share the process of the service.`,
        context.otherLoad(),
      ],
    };
  },
};

function scheduleTable(): Table {
  const row = (label: string, kind: fc.Arbitrary<Schedule>, seed: number) => {
    const outcomes = fc.sample(kind, { numRuns: SCHEDULES, seed }).map((it) => runSchedule(it));
    const total = (of: (outcome: Outcome) => number) =>
      outcomes.reduce((sum, outcome) => sum + of(outcome), 0);
    return [
      label,
      String(SCHEDULES),
      ...[total(({ events }) => events), total(({ granted }) => granted)].map(String),
      String(total(({ refused }) => refused)),
      (Math.max(...outcomes.map(({ longestWaitMs }) => longestWaitMs)) / 1000).toFixed(1),
      String(total(({ faults }) => faults.length)),
    ];
  };
  return {
    columns: ['schedules', 'runs', 'events', 'granted', 'refused', 'longest wait s', 'faults'],
    rows: [row('anything happens, waits up to 60 s', anySchedule, 1), row('kind', kindSchedule, 2)],
  };
}

type Way = readonly [label: string, measure: () => Promise<number>];

const WAYS: readonly Way[] = [
  ['in the process, readings of RAM', inProcess],
  ['over HTTP, readings of a fake nvidia-smi', overHttp],
];

async function inProcess(): Promise<number> {
  const dataDir = await mkdtemp(join(os.tmpdir(), 'bench-ledger-'));
  const vram = await openVram({
    config: {
      ...{ dataDir, gpuLedger: 'ram', gpuReserveMib: 0, nvidiaSmi: '', gpuReleaseHosts: [] },
    },
    logger: pino({ level: 'silent' }),
    clock: { ...systemClock, now: Date.now },
    fetch,
  });
  try {
    return await leasesPerSecond(() => takeAndGiveBack(vram));
  } finally {
    vram.manager.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function overHttp(): Promise<number> {
  const dataDir = await mkdtemp(join(os.tmpdir(), 'bench-ledger-'));
  const clock = { ...systemClock, now: Date.now };
  const origin = await startGpuOrigin({ dataDir, clock });
  try {
    return await leasesPerSecond(() => takeAndGiveBackOverHttp(origin.url));
  } finally {
    await origin.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function leasesPerSecond(takeOne: () => Promise<void>): Promise<number> {
  const started = performance.now();
  const client = async () => {
    for (let lease = 0; lease < LEASES / CLIENTS; lease += 1) await takeOne();
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return LEASES / ((performance.now() - started) / 1000);
}

async function takeAndGiveBack({ manager }: Vram): Promise<void> {
  const { id } = await manager.acquire(newDemand({ mib: 1 }), { waitMs: 60_000 });
  manager.release(id);
}

async function takeAndGiveBackOverHttp(url: string): Promise<void> {
  const headers = { 'X-API-Key': INTERNAL_KEY, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ owner: 'bench', model: 'x', mib: 1, wait: 60 });
  const taken = await fetch(`${url}/v1/gpu/leases`, { method: 'POST', headers, body });
  const { id } = GpuLease.parse(await taken.json());
  const given = await fetch(`${url}/v1/gpu/leases/${id}`, { method: 'DELETE', headers });
  if (given.status !== 204) throw new Error(`status ${given.status}`);
}
