import { describe, expect, it } from 'vitest';
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import { enterEngineWith } from '#origin/pipeline/enter-engine.ts';
import { SttException } from '#shared/errors.ts';
import { chunkOf, emissionsOf } from '#test/support/fake-graphs.ts';

const context: WorkContext = {
  ...{ owner: Symbol('test'), requestId: 'r1', signal: new AbortController().signal },
  remainingSeconds: () => 0,
};
const span = { path: '/none', startSample: 0, sampleCount: 16_000 };
const { signal } = new AbortController();

/** Writes down what happens, in order. @param refusal of every model beyond those of the request */
function world(refusal?: SttException) {
  const log: string[] = [];
  const told = <Answer>(what: string, answer: Answer): Promise<Answer> => {
    log.push(what);
    return Promise.resolve(answer);
  };
  const scheduler: EngineScheduler = {
    segment: () => told('segment', { activations: new Float32Array(), frames: 0, speakers: 0 }),
    decode: () => told('decode', chunkOf([])),
    detectLanguage: () => told('detect', { languages: [], probabilities: new Float32Array() }),
    embedSpeakers: () => told('embed', { embeddings: new Float32Array(), dimensions: 0 }),
    emissions: () => told('emit', emissionsOf(0)),
    capacity: () => told('capacity', undefined),
  };
  const engine = {
    hold: () => {
      log.push('hold');
      return { [Symbol.dispose]: () => void log.push('let go') };
    },
  };
  const leases = {
    use: async (models: readonly string[]) => {
      log.push(`use ${models.join(' ')}`);
      return {
        add: async (model: string) => {
          log.push(`add ${model}`);
          if (refusal !== undefined) throw refusal;
        },
        [Symbol.dispose]: () => void log.push('leave'),
      };
    },
  };
  return { log, leases, parts: { engine, scheduler, speakerModel: 'speaker' } };
}

describe('enterEngineWith', () => {
  it('leases first, then holds the process, and gives both back', async () => {
    const { log, parts, leases } = world();
    const place = await enterEngineWith(parts, leases)(['base', 'vad'], signal);
    place[Symbol.dispose]();
    expect(log).toEqual(['use base vad', 'hold', 'let go', 'leave']);
  });

  it('only holds the process where memory is not leased', async () => {
    const { log, parts } = world();
    const place = await enterEngineWith(parts, null)(['base'], signal);
    expect(place.scheduler).toBe(parts.scheduler);
    place[Symbol.dispose]();
    expect(log).toEqual(['hold', 'let go']);
  });

  it('leases the model of a call before the call', async () => {
    const { log, parts, leases } = world();
    const { scheduler } = await enterEngineWith(parts, leases)(['vad'], signal);
    log.length = 0;
    await scheduler.segment({ windows: [] }, context);
    await scheduler.detectLanguage({ model: 'base', spans: [] }, context);
    await scheduler.embedSpeakers({ samples: [] }, context);
    await scheduler.emissions({ model: 'aligner', item: { span, columns: [] } }, context);
    expect(log).toEqual([
      ...['segment', 'add base', 'detect', 'add speaker', 'embed', 'add aligner', 'emit'],
    ]);
  });

  it('fails a call whose model has no room as an engine without memory does, uncalled', async () => {
    const refused = { model: 'aligner', neededMib: 900, roomMib: 100, isTooLarge: false } as const;
    const kind = 'no_memory_for_model';
    const { log, parts, leases } = world(
      new SttException({ kind, ...refused, retryAfterSeconds: 10 }),
    );
    const { scheduler } = await enterEngineWith(parts, leases)(['base'], signal);
    const call = scheduler.emissions({ model: 'aligner', item: { span, columns: [] } }, context);
    await expect(call).rejects.toMatchObject({ reason: 'out_of_memory', retryAfterSeconds: 10 });
    expect(log).not.toContain('emit');
  });

  it('cancels the call of a request that is over', async () => {
    const { parts, leases } = world(new SttException({ kind: 'client_gone' }));
    const { scheduler } = await enterEngineWith(parts, leases)(['base'], signal);
    const call = scheduler.embedSpeakers({ samples: [] }, context);
    await expect(call).rejects.toMatchObject({ reason: 'cancelled' });
  });
});
