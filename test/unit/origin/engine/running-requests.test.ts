import { describe, expect, it } from 'vitest';
import { createScheduler } from '#origin/engine/batcher.ts';
import { EngineFailure } from '#origin/engine/engine-failure.ts';
import { type EngineCallStart, RunningRequests } from '#origin/engine/running-requests.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { contextOf, decodeSpan, runUntil, spanOf } from '#test/support/simulated-client.ts';
import { SimulatedEngine } from '#test/support/simulated-engine.ts';

interface Line {
  readonly level: string;
  readonly fields: object;
}

function setUp() {
  const clock = new ManualClock();
  const engine = new SimulatedEngine(clock);
  const running = new RunningRequests();
  const lines: Line[] = [];
  const begun: EngineCallStart[] = [];
  const log = running.naming({
    info: (fields) => lines.push({ level: 'info', fields }),
    warn: (fields) => lines.push({ level: 'warn', fields }),
    error: (fields) => lines.push({ level: 'error', fields }),
  });
  const scheduler = createScheduler(engine, {
    ...{ batchSize: 4, encodeBatchSize: 4, maxQueuedItems: 64, agePromotionSeconds: 15 },
    ...{ now: clock.now, after: clock.after },
    watchCalls: (call) => {
      begun.push(call);
      return running.watch(call);
    },
  });
  const decode = (id: string) => decodeSpan(scheduler, contextOf(id), spanOf(id, 0, 10));
  const run = <Value>(work: Promise<Value>) => runUntil(clock, work);
  return { engine, lines, begun, log, decode, run };
}

describe('RunningRequests', () => {
  it('names in each line the requests whose call runs, and none between calls', async () => {
    const { begun, engine, lines, log, decode, run } = setUp();
    engine.failureFor = (call) => {
      if (call.name === 'decode') log.warn({ source: 'stderr' }, 'engine output');
      return null;
    };
    log.info({ pid: 1 }, 'engine process ready');
    await run(Promise.all([decode('a'), decode('b')]));
    log.info({ pid: 1 }, 'engine process ended');
    const decodes = begun.filter(({ kind }) => kind === 'decode');
    expect(new Set(decodes.flatMap(({ requestIds }) => requestIds))).toEqual(new Set(['a', 'b']));
    expect(lines).toEqual([
      { level: 'info', fields: { pid: 1 } },
      ...decodes.map(({ requestIds }) => ({
        level: 'warn',
        fields: { source: 'stderr', request_ids: requestIds },
      })),
      { level: 'info', fields: { pid: 1 } },
    ]);
  });

  it('names nobody any more after a call that failed', async () => {
    const { engine, lines, log, decode, run } = setUp();
    engine.failureFor = () => new EngineFailure('call_failed', 'broken');
    await expect(run(decode('a'))).rejects.toThrow('broken');
    log.error({}, 'later');
    expect(lines).toEqual([{ level: 'error', fields: {} }]);
  });

  it('is told of every call with the requests that it serves', async () => {
    const { begun, engine, decode, run } = setUp();
    await run(decode('a'));
    expect(begun).toHaveLength(engine.calls.length);
    expect(begun.every(({ requestIds }) => requestIds.join() === 'a')).toBe(true);
  });
});
