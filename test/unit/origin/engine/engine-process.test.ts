import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { EngineFailure } from '#origin/engine/engine-failure.ts';
import {
  EngineProcess,
  type EngineProcessOptions,
  type EngineState,
  type EngineStatus,
} from '#origin/engine/engine-process.ts';
import type { DecodeRequest } from '#origin/engine/protocol.ts';
import { THROW_SEED } from '#test/support/fake-graphs.ts';
import { ManualClock } from '#test/support/manual-clock.ts';

const graphsModule = new URL('../../../support/fake-graphs.ts', import.meta.url).href;

interface LogLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

class Bench {
  readonly clock = new ManualClock();
  readonly states: EngineState[] = [];
  readonly log: LogLine[] = [];
  readonly #watchers = new Set<() => void>();
  readonly engine: EngineProcess;

  constructor(options: Partial<EngineProcessOptions> = {}) {
    const write = (level: string) => (fields: object, message: string) => {
      this.log.push({ level, fields: { ...fields }, message });
      for (const watcher of this.#watchers) watcher();
    };
    this.engine = new EngineProcess({
      settings: { device: 'cpu' },
      graphsModule,
      idleTimeoutSeconds: -1,
      clock: this.clock,
      log: { info: write('info'), warn: write('warn'), error: write('error') },
      onState: (status: EngineStatus) => {
        if (this.states.at(-1) !== status.state) this.states.push(status.state);
        for (const watcher of this.#watchers) watcher();
      },
      ...options,
    });
    benches.push(this);
  }

  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }

  /** The process id of the engine, as its own answer tells. */
  async pid(): Promise<number | undefined> {
    const [chunk] = await this.engine.decode(decodeRequest());
    return chunk?.tokenIds[1];
  }
}

const benches: Bench[] = [];

afterEach(async () => {
  for (const bench of benches.splice(0)) {
    const stopped = bench.engine.stop();
    bench.clock.advance(5000);
    await stopped;
  }
});

function decodeRequest(seed = 0, startSamples: readonly number[] = [1]): DecodeRequest {
  return {
    model: 'base',
    items: startSamples.map((startSample) => ({
      span: { path: '/none', startSample, sampleCount: 16_000 },
      promptIds: [1, 2, 3, 4],
      sotIndex: 0,
    })),
    search: {
      beamWidth: 5,
      maxNewTokens: 10,
      lengthPenalty: 1,
      temperature: 0,
      seed,
      suppressTokens: [],
      suppressAtBegin: [],
      align: false,
    },
  };
}

async function failureOf(call: Promise<unknown>): Promise<EngineFailure> {
  return call.then(
    () => expect.unreachable('the call succeeded'),
    (failure: EngineFailure) => failure,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('EngineProcess', () => {
  it('starts no process before the first call, and one for all calls after', async () => {
    const bench = new Bench();
    expect(bench.engine.status()).toMatchObject({ state: 'idle', device: null, models: [] });
    const pids = await Promise.all([bench.pid(), bench.pid(), bench.pid()]);
    expect(new Set(pids).size).toBe(1);
    expect(pids[0]).not.toBe(process.pid);
    expect(bench.states).toEqual(['starting', 'ready']);
  });

  it('answers each call with its own result, typed arrays included', async () => {
    const { engine } = new Bench();
    const requests = [7, 8, 9].map((startSample) => ({
      windows: [{ path: '/none', startSample, sampleCount: 80_000 }],
    }));
    const results = await Promise.all(requests.map((request) => engine.segment(request)));
    expect(results.map(({ activations }) => activations)).toEqual(
      [7, 8, 9].map((value) => Float32Array.of(value)),
    );
  });

  it('knows the loaded models and their device, also from the first call that needs one', async () => {
    const loaded: string[] = [];
    const bench = new Bench({
      settings: { device: 'cuda' },
      onLoaded: ({ model }) => loaded.push(model),
    });
    await bench.pid();
    await bench.engine.load({ model: 'tiny' });
    expect(bench.engine.status()).toMatchObject({
      device: 'cuda',
      models: [
        { model: 'base', device: 'cuda', loadSeconds: 0.25, note: null },
        { model: 'tiny', device: 'cuda', loadSeconds: 0.25, note: null },
      ],
    });
    expect(loaded).toEqual(['base', 'tiny']);
    expect(bench.engine.status().rssBytes).toBeGreaterThan(1e6);
  });

  it('fails only the call that throws, and keeps the process', async () => {
    const bench = new Bench();
    const before = await bench.pid();
    const [failure, chunks] = await Promise.all([
      failureOf(bench.engine.decode(decodeRequest(THROW_SEED))),
      bench.engine.decode(decodeRequest()),
    ]);
    expect(failure).toMatchObject({ reason: 'call_failed', retryAfterSeconds: null });
    expect(failure.message).toContain('bad chunk');
    expect(chunks[0]?.tokenIds[1]).toBe(before);
  });

  it('rejects all calls in flight with a crash, and serves later ones from a new process', async () => {
    const bench = new Bench();
    const before = await bench.pid();
    const failures = await Promise.all([
      failureOf(bench.engine.load({ model: 'exit' })),
      failureOf(bench.engine.decode(decodeRequest())),
    ]);
    for (const failure of failures) {
      expect(failure).toMatchObject({ reason: 'crashed', retryAfterSeconds: 1 });
    }
    expect(failures[0]?.message).toContain('code 7: about to end');
    expect(bench.engine.status()).toMatchObject({ state: 'restarting', models: [], crashes: 1 });
    const later = bench.pid();
    bench.clock.advance(500);
    expect(await later).not.toBe(before);
    expect(bench.states).toEqual(['starting', 'ready', 'restarting', 'starting', 'ready']);
  });

  it('takes an abort of the native code for a crash', async () => {
    const { engine } = new Bench();
    const failure = await failureOf(engine.load({ model: 'abort' }));
    expect(failure.reason).toBe('crashed');
  });

  it('takes a SIGKILL from outside for a lack of memory', async () => {
    const { engine } = new Bench();
    const failure = await failureOf(engine.load({ model: 'killed' }));
    expect(failure.reason).toBe('out_of_memory');
  });

  it('ends the process when the device is out of memory, and starts another', async () => {
    const bench = new Bench();
    const before = await bench.pid();
    const failure = await failureOf(bench.engine.load({ model: 'device-full' }));
    expect(failure).toMatchObject({ reason: 'out_of_memory', retryAfterSeconds: 1 });
    bench.clock.advance(500);
    expect(await bench.pid()).not.toBe(before);
  });

  it('waits longer before each restart, gives up after 3 quick crashes, and tries again later', async () => {
    const bench = new Bench({ restart: { maxQuickCrashes: 3, coolDownMs: 20_000 } });
    for (const delayMs of [500, 1000]) {
      await failureOf(bench.engine.load({ model: 'exit' }));
      expect(bench.clock.pending()).toEqual([delayMs]);
      bench.clock.advance(delayMs);
      await bench.until(() => bench.engine.status().state === 'ready');
    }
    await failureOf(bench.engine.load({ model: 'exit' }));
    expect(bench.engine.status()).toMatchObject({ state: 'failed', crashes: 3 });
    expect(bench.engine.status().reason).toContain('code 7');
    bench.clock.advance(12_000);
    const refused = await failureOf(bench.pid());
    expect(refused).toMatchObject({ reason: 'start_failed', retryAfterSeconds: 8 });
    bench.clock.advance(8000);
    expect(await bench.pid()).toBeTypeOf('number');
    expect(bench.engine.status()).toMatchObject({ state: 'ready', reason: null });
  });

  it('forgets earlier crashes once a process has lived long enough', async () => {
    const bench = new Bench({ restart: { maxQuickCrashes: 2, stableMs: 10_000 } });
    await failureOf(bench.engine.load({ model: 'exit' }));
    bench.clock.advance(500);
    await bench.until(() => bench.engine.status().state === 'ready');
    bench.clock.advance(10_000);
    await failureOf(bench.engine.load({ model: 'exit' }));
    expect(bench.engine.status().state).toBe('restarting');
  });

  it('rejects with start_failed and the words of the graphs that cannot be made', async () => {
    const bench = new Bench({ settings: { device: 'cpu', refuseWith: 'no weights here' } });
    const failure = await failureOf(bench.engine.start());
    expect(failure).toMatchObject({ reason: 'start_failed', retryAfterSeconds: 1 });
    expect(failure.message).toContain('no weights here');
    expect(bench.engine.status().state).toBe('failed');
  });

  it('rejects with start_failed when the graphs module is missing', async () => {
    const { engine } = new Bench({ graphsModule: new URL('./none.ts', import.meta.url).href });
    expect(await failureOf(engine.start())).toMatchObject({ reason: 'start_failed' });
  });

  it('ends a process whose call runs over the limit, and starts another', async () => {
    const bench = new Bench({ callTimeoutSeconds: 90 });
    const before = await bench.pid();
    const hanging = failureOf(bench.engine.load({ model: 'hang' }));
    await bench.clock.until(90_000);
    bench.clock.advance(89_999);
    expect(bench.engine.status().state).toBe('ready');
    bench.clock.advance(1);
    expect(await hanging).toMatchObject({ reason: 'crashed' });
    bench.clock.advance(500);
    expect(await bench.pid()).not.toBe(before);
  });

  it('ends the process after the idle time without calls, and starts another on demand', async () => {
    const bench = new Bench({ idleTimeoutSeconds: 60 });
    const before = await bench.pid();
    bench.clock.advance(59_000);
    expect(await bench.pid()).toBe(before);
    bench.clock.advance(60_000);
    await bench.until(() => bench.log.some(({ message }) => message.includes('idle')));
    expect(before !== undefined && isAlive(before)).toBe(false);
    expect(bench.engine.status()).toMatchObject({ state: 'idle', models: [], rssBytes: null });
    const unload = bench.log.find(({ message }) => message.includes('idle'));
    expect(unload?.fields['rssBytes']).toBeGreaterThan(1e6);
    expect(await bench.pid()).not.toBe(before);
  });

  it('with an idle time of 0, ends the process as soon as nothing holds it', async () => {
    const bench = new Bench({ idleTimeoutSeconds: 0 });
    const hold = bench.engine.hold();
    const before = await bench.pid();
    bench.clock.advance(3_600_000);
    expect(await bench.pid()).toBe(before);
    hold[Symbol.dispose]();
    bench.clock.advance(0);
    await bench.until(() => bench.log.some(({ message }) => message.includes('idle')));
    expect(before !== undefined && isAlive(before)).toBe(false);
  });

  it('with an idle time of -1, never ends the process', async () => {
    const bench = new Bench({ idleTimeoutSeconds: -1 });
    const before = await bench.pid();
    bench.clock.advance(1e9);
    expect(await bench.pid()).toBe(before);
  });

  it('rejects an idle time below -1', () => {
    expect(() => new Bench({ idleTimeoutSeconds: -2 })).toThrow('idleTimeoutSeconds is -2');
  });

  it('ends the process when told to, and starts another on demand', async () => {
    const bench = new Bench();
    const before = await bench.pid();
    expect(bench.engine.status().pid).toBe(before);
    await bench.engine.unload();
    expect(before !== undefined && isAlive(before)).toBe(false);
    expect(bench.engine.status()).toMatchObject({ state: 'idle', pid: null, models: [] });
    await bench.engine.unload();
    expect(await bench.pid()).not.toBe(before);
    expect(bench.engine.status()).toMatchObject({ state: 'ready', crashes: 0 });
  });

  it('starts no lost process again that was told to end', async () => {
    const bench = new Bench();
    await failureOf(bench.engine.load({ model: 'exit' }));
    await bench.engine.unload();
    expect(bench.engine.status().state).toBe('idle');
    expect(bench.clock.pending()).toEqual([]);
    expect(await bench.pid()).toBeTypeOf('number');
  });

  it('tells of each answer and of its end when idle', async () => {
    const told: unknown[] = [];
    const bench = new Bench({
      idleTimeoutSeconds: 60,
      onAnswer: ({ call, model }) => told.push(`${call} ${model}`),
      onUnloaded: () => told.push('gone'),
    });
    await bench.pid();
    await bench.engine.segment({ windows: [] });
    bench.clock.advance(60_000);
    await bench.until(() => bench.log.some(({ message }) => message.includes('idle')));
    expect(told).toEqual(['decode base', 'segment null', 'gone']);
  });

  it('stops the process, rejects what is open and takes no more calls', async () => {
    const bench = new Bench();
    const pid = await bench.pid();
    const open = failureOf(bench.engine.load({ model: 'hang' }));
    await bench.clock.until(600_000);
    const stopped = bench.engine.stop();
    bench.clock.advance(5000);
    await stopped;
    expect(await open).toMatchObject({ reason: 'stopped' });
    expect(pid !== undefined && isAlive(pid)).toBe(false);
    expect(await failureOf(bench.pid())).toMatchObject({ reason: 'stopped' });
  });

  it('stops while it waits to restart', async () => {
    const bench = new Bench();
    await failureOf(bench.engine.load({ model: 'exit' }));
    const waiting = failureOf(bench.pid());
    await bench.engine.stop();
    expect(await waiting).toMatchObject({ reason: 'stopped' });
  });

  it('cuts long lines of the process and drops what comes too fast', async () => {
    const bench = new Bench();
    await bench.engine.load({ model: 'chatty' });
    await bench.engine.stop();
    const lines = bench.log.filter(({ message }) => message === 'engine output');
    // How many of the thousands were written before the process ended is its own matter; the limit is ours.
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(100);
    expect(lines[0]?.fields['line']).toBe('x'.repeat(2000));
  });

  it.each(['base', 'hang'])(
    'ends with its parent, also when that is killed (last call: %s)',
    async (model) => {
      const parent = fork(new URL('../../../support/engine-parent.ts', import.meta.url), [model], {
        execArgv: [],
      });
      const [engineFields] = await once(parent, 'message');
      const { pid } = engineFields as { pid: number };
      expect(isAlive(pid)).toBe(true);
      parent.kill('SIGKILL');
      await expect.poll(() => isAlive(pid), { timeout: 20_000, interval: 50 }).toBe(false);
    },
  );
});
