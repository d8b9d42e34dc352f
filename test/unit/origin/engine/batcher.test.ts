import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScheduler, type SchedulerOptions } from '#origin/engine/batcher.ts';
import { EngineFailure } from '#origin/engine/engine-failure.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import {
  contextOf,
  decodeSpan,
  runUntil,
  SEARCH,
  spanOf,
  transcribe,
} from '#test/support/simulated-client.ts';
import { type SimulatedCall, SimulatedEngine } from '#test/support/simulated-engine.ts';

function setUp(options: Partial<SchedulerOptions> = {}) {
  const clock = new ManualClock();
  const engine = new SimulatedEngine(clock);
  const scheduler = createScheduler(engine, {
    batchSize: 4,
    encodeBatchSize: 1,
    maxQueuedItems: 64,
    agePromotionSeconds: 15,
    now: clock.now,
    after: clock.after,
    ...options,
  });
  const run = <Value>(work: Promise<Value>) => runUntil(clock, work);
  const send = (id: string, seconds: number) => transcribe(scheduler, clock, { id, seconds });
  return { clock, engine, scheduler, run, send };
}

const decodes = (calls: readonly SimulatedCall[]) => calls.filter(({ name }) => name === 'decode');

describe('createScheduler', () => {
  it('gives each request its own chunks, whatever shared their batches', async () => {
    const chunks = fc.array(
      fc.record({
        request: fc.nat(4),
        start: fc.nat(500),
        seconds: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 8 }), async (list, batchSize) => {
        const { engine, scheduler, run } = setUp({ batchSize });
        const results = list.map(async ({ request, start, seconds }) => {
          const chunk = await decodeSpan(
            scheduler,
            contextOf(`${request}`, 60),
            spanOf(`${request}`, start, seconds),
          );
          return [...chunk.tokenIds];
        });
        expect(await run(Promise.all(results))).toEqual(list.map(({ start }) => [start * 16_000]));
        expect(engine.mostAtOnce).toBe(1);
        for (const { spans } of decodes(engine.calls)) {
          expect(spans.length).toBeLessThanOrEqual(batchSize);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('decodes the chunks of one recording in full batches', async () => {
    const { engine, run, send } = setUp();
    await run(send('a', 100));
    expect(decodes(engine.calls).map(({ spans }) => spans.length)).toEqual([4]);
  });

  it('forms batches across requests', async () => {
    const { engine, run, send } = setUp();
    await run(Promise.all([send('a', 28), send('b', 30)]));
    const shared = decodes(engine.calls).map(({ spans }) => spans.map(({ path }) => path));
    expect(shared).toEqual([['a', 'b']]);
  });

  it('never batches chunks whose searches differ in more than the seed', async () => {
    const { engine, scheduler, run } = setUp();
    const searches = [{ seed: 1 }, { seed: 2 }, { temperature: 0.2 }, { beamWidth: 1 }];
    const chunks = searches.map((change, index) => {
      const item = { span: spanOf('a', index * 30, 30), promptIds: [1, 2], sotIndex: 0 };
      const request = { model: 'base', item, search: { ...SEARCH, ...change } };
      return scheduler.decode(request, contextOf('a'));
    });
    await run(Promise.all(chunks));
    expect(decodes(engine.calls).map(({ spans }) => spans.length)).toEqual([2, 1, 1]);
  });

  it('serves 8 mixed clients at once in less time than one after another', async () => {
    const seconds = [5, 12, 20, 35, 50, 65, 80, 100];
    const serial = setUp();
    for (const each of seconds) await serial.run(serial.send(`${each}`, each));
    const shared = setUp();
    await shared.run(Promise.all(seconds.map((each) => shared.send(`${each}`, each))));
    expect(shared.clock.now()).toBeLessThan(serial.clock.now() * 0.95);
  });

  it('answers a 5 s clip within 2.8 s whenever it comes during an hour of audio', async () => {
    const { clock, run, send } = setUp();
    const long = send('long', 3600);
    for (let index = 0; index < 40; index += 1) {
      const pause = Promise.withResolvers<void>();
      clock.after(1000 + ((index * 577) % 2000), pause.resolve);
      await run(pause.promise);
      expect(await run(send(`clip ${index}`, 5))).toBeLessThan(2.8);
    }
    await run(long);
  });

  it.each([
    { followUpMs: 50, order: ['short', 'long'] },
    { followUpMs: 10, order: ['long', 'short'] },
  ])('holds a decode call back for $followUpMs ms, for who has more to ask', async (row) => {
    const { clock, engine, scheduler, run } = setUp({ followUpMs: row.followUpMs });
    const long = decodeSpan(scheduler, contextOf('long', 3600), spanOf('long', 0, 30));
    const context = contextOf('short', 5);
    const short = async () => {
      await scheduler.detectLanguage({ model: 'base', spans: [spanOf('short', 0, 5)] }, context);
      const pause = Promise.withResolvers<void>();
      clock.after(380, pause.resolve);
      await pause.promise;
      context.ahead = 0;
      await decodeSpan(scheduler, context, spanOf('short', 0, 5));
    };
    await run(Promise.all([long, short()]));
    expect(decodes(engine.calls).map(({ spans }) => spans[0]?.path)).toEqual(row.order);
  });

  it('brings a long recording on while short ones never cease', async () => {
    const { engine, run, send } = setUp();
    let isOver = false;
    const long = send('long', 600).then(() => {
      isOver = true;
    });
    const stream = async (lane: number) => {
      for (let index = 0; !isOver; index += 1) await send(`clip ${lane} ${index}`, 10);
    };
    await run(Promise.all([long, stream(0), stream(1), stream(2)]));
    const ends: number[] = [];
    let nowSeconds = 0;
    for (const call of engine.calls) {
      nowSeconds += call.seconds;
      if (call.name === 'decode' && call.spans.some(({ path }) => path === 'long')) {
        ends.push(nowSeconds);
      }
    }
    const gaps = ends.slice(1).map((end, index) => end - (ends[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(15 + 10);
  });

  it('drops the waiting work of a cancelled request at once, and nobody else’s', async () => {
    const { engine, scheduler, run } = setUp();
    const leaving = new AbortController();
    const gone = contextOf('gone', 1, leaving.signal);
    const lost = [0, 30, 60].map((at) => decodeSpan(scheduler, gone, spanOf('gone', at, 30)));
    const kept = decodeSpan(scheduler, contextOf('kept'), spanOf('kept', 0, 30));
    leaving.abort();
    for (const each of lost) {
      await expect(each).rejects.toMatchObject({ reason: 'cancelled', name: 'AbortError' });
    }
    await run(kept);
    expect(engine.calls.flatMap(({ spans }) => spans.map(({ path }) => path))).not.toContain(
      'gone',
    );
  });

  it('rejects at once when a request leaves during its call, and goes on with others', async () => {
    const { clock, engine, scheduler, run } = setUp();
    const leaving = new AbortController();
    const lost = decodeSpan(scheduler, contextOf('gone', 1, leaving.signal), spanOf('gone', 0, 5));
    const kept = decodeSpan(scheduler, contextOf('kept', 90), spanOf('kept', 0, 30));
    const failure = lost.catch((error: EngineFailure) => error.reason);
    clock.after(360, () => leaving.abort());
    expect(await run(failure)).toBe('cancelled');
    expect(clock.now()).toBe(360);
    await run(kept);
    expect(decodes(engine.calls).map(({ spans }) => spans[0]?.path)).toEqual(['gone', 'kept']);
  });

  it('rejects work of a request that has left already', async () => {
    const { scheduler } = setUp();
    const work = decodeSpan(scheduler, contextOf('a', 1, AbortSignal.abort()), spanOf('a', 0, 5));
    await expect(work).rejects.toMatchObject({ reason: 'cancelled' });
  });

  it('hides one crash: the chunks of the lost call are tried again, each alone', async () => {
    const { engine, run, send } = setUp();
    let crashes = 1;
    engine.failureFor = ({ name }) =>
      name === 'decode' && crashes-- > 0 ? new EngineFailure('crashed', 'gone') : null;
    await run(send('a', 90));
    expect(decodes(engine.calls).map(({ spans }) => spans.length)).toEqual([3, 1, 1, 1]);
  });

  it('rejects the chunk that crashes twice, with when to retry, and answers its company', async () => {
    const { engine, scheduler, run } = setUp();
    const poison = spanOf('bad', 0, 30);
    engine.failureFor = ({ name, spans }) =>
      name === 'decode' && spans.some(({ path }) => path === 'bad')
        ? new EngineFailure('crashed', 'gone', { retryAfterSeconds: 2 })
        : null;
    const outcomes = Promise.allSettled([
      decodeSpan(scheduler, contextOf('good', 30), spanOf('good', 0, 30)),
      decodeSpan(scheduler, contextOf('bad', 30), poison),
    ]);
    const [good, bad] = await run(outcomes);
    expect(good.status).toBe('fulfilled');
    expect(bad).toMatchObject({ reason: { reason: 'crashed', retryAfterSeconds: 2 } });
    expect(decodes(engine.calls)).toHaveLength(3);
  });

  it('tries chunks alone when their shared call is refused, and rejects the one at fault', async () => {
    const { engine, scheduler, run } = setUp();
    engine.failureFor = ({ name, spans }) =>
      name === 'decode' && spans.some(({ path }) => path === 'bad')
        ? new EngineFailure('call_failed', 'bad chunk')
        : null;
    const outcomes = ['good', 'bad'].map((id) =>
      decodeSpan(scheduler, contextOf(id, 30), spanOf(id, 0, 30)),
    );
    const [good, bad] = await run(Promise.allSettled(outcomes));
    expect(good?.status).toBe('fulfilled');
    expect(bad).toMatchObject({ reason: { reason: 'call_failed' } });
  });

  it('lets a long request fill the queue only so far that others still get in', async () => {
    const { scheduler, run } = setUp({ maxQueuedItems: 4 });
    const long = contextOf('long', 3600);
    const chunks = [0, 30, 60, 90].map((at) => decodeSpan(scheduler, long, spanOf('long', at, 30)));
    let hasRoom = false;
    const room = scheduler.capacity(long).then(() => {
      hasRoom = true;
    });
    await scheduler.capacity(contextOf('short', 5));
    expect(hasRoom).toBe(false);
    await run(Promise.all([...chunks, room]));
    expect(hasRoom).toBe(true);
  });

  it('ends the wait for room of a request that leaves', async () => {
    const { scheduler, run } = setUp({ maxQueuedItems: 1 });
    const leaving = new AbortController();
    const others = ['a', 'b'].map((id) => decodeSpan(scheduler, contextOf(id), spanOf(id, 0, 5)));
    const room = scheduler.capacity(contextOf('c', 1, leaving.signal));
    leaving.abort();
    await expect(room).rejects.toMatchObject({ reason: 'cancelled' });
    await run(Promise.all(others));
  });

  it('goes on when the engine’s cache is too small for what it encodes', async () => {
    const { run, send } = setUp({ encodedSpanCapacity: 1 });
    expect(await run(send('a', 300))).toBeGreaterThan(0);
  });

  it('refuses limits below 1', () => {
    expect(() => setUp({ batchSize: 0 })).toThrow(RangeError);
  });
});
