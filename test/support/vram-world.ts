/** The ledger at work on cards whose memory the test sets, with a clock that it moves. */
import { pino } from 'pino';
import type { Logger } from '#origin/logger.ts';
import type { AskOutcome } from '#origin/vram/ask-release.ts';
import type { DeviceReading, ProcessReading, ReadingFailure } from '#origin/vram/device.ts';
import type { Lease } from '#origin/vram/lease.ts';
import { LeaseStore } from '#origin/vram/lease-store.ts';
import { LocalLeases } from '#origin/vram/local-leases.ts';
import { RULES } from '#origin/vram/open-vram.ts';
import { VramManager } from '#origin/vram/vram-manager.ts';
import { fail, ok } from '#shared/result.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { newCard } from '#test/support/new-lease.ts';

export interface VramWorld {
  readonly clock: ManualClock;
  readonly manager: VramManager;
  readonly local: LocalLeases;
  readonly store: LeaseStore;
  /** What the next readings find. Card `a` of 10,000 MiB unless set. */
  devices: readonly DeviceReading[];
  processes: readonly ProcessReading[];
  /** Readings fail with it. */
  failure: ReadingFailure | null;
  readings: number;
  /** Owners that were asked over HTTP. */
  readonly asked: { readonly lease: Lease; readonly reason: string }[];
  answer: AskOutcome;
  /** Models that were asked to make room. */
  readonly evicted: string[];
  readonly log: Record<string, unknown>[];
  readonly logger: Logger;
  /** Moves the clock second by second, and lets everything happen that is due. */
  pass(seconds: number): Promise<void>;
  /** Lets happen what needs no time. */
  settle(): Promise<void>;
}

/** @param path of the database; it may be of an earlier world */
export function vramWorld(path: string, given: { clock?: ManualClock } = {}): VramWorld {
  const clock = given.clock ?? new ManualClock();
  const log: VramWorld['log'] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) });
  const store = new LeaseStore(path);
  let ids = 0;
  const state: Pick<VramWorld, 'devices' | 'processes' | 'failure' | 'readings' | 'answer'> = {
    ...{ devices: [newCard('a', 0)], processes: [], failure: null, readings: 0 },
    answer: { outcome: 'asked' },
  };
  const asked: { lease: Lease; reason: string }[] = [];
  const evicted: string[] = [];
  const manager = new VramManager({
    ...{ clock, logger, store },
    rules: { ...RULES, reserveMib: 1000 },
    timing: { idleReadMs: 30_000, verifyMs: 5000, verifyEveryMs: 1000, reviveMs: 20_000 },
    read: async () => {
      state.readings += 1;
      if (state.failure !== null) return fail(state.failure);
      return ok({ devices: state.devices, processes: state.processes });
    },
    askRelease: async (lease, reason) => {
      asked.push({ lease, reason });
      return state.answer;
    },
    onEviction: ({ model }) => void evicted.push(model),
    newId: () => {
      ids += 1;
      return `${path.at(-1)}-${ids}`;
    },
  });
  const local = new LocalLeases({ manager, clock, logger, unloadTimeoutMs: 3000 });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const pass = async (seconds: number) => {
    await settle();
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1000);
      await settle();
    }
  };
  return Object.assign(state, {
    ...{ clock, manager, local, store, asked, evicted, log, logger, pass, settle },
  });
}
