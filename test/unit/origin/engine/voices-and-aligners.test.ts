import { describe, expect, it } from 'vitest';
import { createScheduler } from '#origin/engine/batcher.ts';
import { EngineFailure } from '#origin/engine/engine-failure.ts';
import type { AudioSpan } from '#origin/engine/protocol.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { contextOf, decodeSpan, runUntil, spanOf } from '#test/support/simulated-client.ts';
import { SimulatedEngine } from '#test/support/simulated-engine.ts';

function setUp(batchSize = 4) {
  const clock = new ManualClock();
  const engine = new SimulatedEngine(clock);
  const scheduler = createScheduler(engine, {
    batchSize,
    encodeBatchSize: 1,
    maxQueuedItems: 64,
    agePromotionSeconds: 15,
    now: clock.now,
    after: clock.after,
  });
  const run = <Value>(work: Promise<Value>) => runUntil(clock, work);
  const align = (span: AudioSpan, { model = 'align-en', ahead = 0 } = {}) =>
    scheduler.emissions({ model, item: { span, columns: [0] } }, contextOf(span.path, ahead));
  return { clock, engine, scheduler, run, align };
}

describe('the aligner', () => {
  it('runs chunks of several requests in one call and gives each its own', async () => {
    const { engine, run, align } = setUp();
    const chunks = [spanOf('a', 1, 10), spanOf('a', 11, 12), spanOf('b', 3, 11)];
    const emissions = await run(Promise.all(chunks.map((span) => align(span))));
    expect(emissions.map(({ logProbs }) => logProbs[0])).toEqual([16_000, 176_000, 48_000]);
    expect(engine.calls.map(({ spans }) => spans.length)).toEqual([3]);
  });

  it('never mixes aligners, nor takes more than a batch', async () => {
    const { engine, run, align } = setUp(2);
    const chunks = [0, 10, 20, 30].map((start) => spanOf('a', start, 10));
    const [first, second, third, fourth] = chunks as [AudioSpan, AudioSpan, AudioSpan, AudioSpan];
    await run(
      Promise.all([
        align(first),
        align(second, { model: 'align-de' }),
        align(third),
        align(fourth),
      ]),
    );
    const starts = engine.calls.map(({ spans }) => spans.map((span) => span.startSample / 16_000));
    expect(starts).toEqual([[0, 20], [10], [30]]);
  });

  it('keeps a long chunk out of a short one’s call', async () => {
    const { engine, run, align } = setUp();
    await run(Promise.all([align(spanOf('short', 0, 3)), align(spanOf('long', 0, 30))]));
    expect(engine.calls.map(({ spans }) => spans.length)).toEqual([1, 1]);
  });

  it('keeps background calls short', async () => {
    const { engine, run, align } = setUp(8);
    const chunks = Array.from({ length: 8 }, (_, i) => spanOf('hour', i * 30, 30));
    await run(Promise.all(chunks.map((span) => align(span, { ahead: 3600 }))));
    expect(Math.max(...engine.calls.map(({ seconds }) => seconds))).toBeLessThan(2.3);
  });

  it('tries the chunks of a failed call once more, each alone', async () => {
    const { engine, run, align } = setUp();
    engine.failureFor = ({ spans }) =>
      spans.some(({ path }) => path === 'bad') ? new EngineFailure('call_failed', 'bad') : null;
    const good = align(spanOf('good', 0, 10));
    const bad = align(spanOf('bad', 0, 10)).catch((error: unknown) => error);
    expect(await run(good)).toMatchObject({ frames: 1 });
    expect(await run(bad)).toBeInstanceOf(EngineFailure);
  });
});

describe('speaker embeddings', () => {
  it('are one call for each question', async () => {
    const { engine, scheduler, run } = setUp();
    const samples = [[spanOf('a', 1, 2), spanOf('a', 5, 1)], [spanOf('a', 9, 2)]];
    const result = await run(scheduler.embedSpeakers({ samples }, contextOf('a')));
    expect([...result.embeddings]).toEqual([16_000, 144_000]);
    expect(engine.calls.map(({ name }) => name)).toEqual(['embedSpeakers']);
  });

  it('of a short recording go before the chunks of a long one', async () => {
    const { engine, scheduler, run } = setUp();
    const long = decodeSpan(scheduler, contextOf('long', 3600), spanOf('long', 0, 30));
    const next = decodeSpan(scheduler, contextOf('long', 3600), spanOf('long', 30, 30));
    const voices = { samples: [[spanOf('short', 0, 2)]] };
    const short = scheduler.embedSpeakers(voices, contextOf('short', 5));
    await run(Promise.all([long, next, short]));
    expect(engine.calls[0]?.name).toBe('embedSpeakers');
  });
});
