import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Asked, Backend, RoutedWork } from '#origin/backends/backend.ts';
import { toLocalFailure } from '#origin/backends/local-failure.ts';
import { routeRecording } from '#origin/backends/route-recording.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import { type SttError, SttException } from '#shared/errors.ts';
import { ok } from '#shared/result.ts';
import { ALL_FEATURES } from '#shared/routing/backend-states.ts';
import type { BackendState } from '#shared/routing/backends.ts';
import { createMemoryBreakers } from '#shared/routing/breaker-table.ts';
import { readRoutedForm } from '#shared/routing/read-routed-form.ts';

const TRANSCRIPT: AnyTranscript = {
  ...{ text: 'Hello.', language: 'en', languages: [], model: 'base', durationSeconds: 1 },
  ...{ segments: [], hasWordTimes: false, warnings: ['Of its own.'], timingsMs: {} },
};
const GOOD: Asked = { result: ok(TRANSCRIPT), outcome: { kind: 'success' } };

const failing = (error: SttError) => async () => toLocalFailure(new SttException(error));
const LOST: SttError = { kind: 'engine_unavailable', state: 'restarting', retryAfterSeconds: 3 };

interface Played extends Partial<BackendState> {
  readonly ask?: Backend['ask'];
}

function backend(id: string, { ask = async () => GOOD, ...state }: Played = {}) {
  const asked: RoutedWork[] = [];
  const isVoxtral = id !== 'whisperx';
  const played: Backend = {
    id,
    look: async () => ({
      ...{ family: isVoxtral ? 'voxtral' : 'whisper', isHosted: id === 'mistral' },
      ...{ isConfigured: true, models: [], languages: null, features: ALL_FEATURES },
      ...{ maxDurationSeconds: null, maxSizeBytes: null, health: 'healthy', freeCapacity: 1 },
      ...{ queueLength: 0, costPerAudioHour: isVoxtral ? 1 : 0, ...state },
    }),
    ask: (work, signal) => {
      asked.push(work);
      return ask(work, signal);
    },
  };
  return { played, asked };
}

function workOf(
  fields: Readonly<Record<string, string>> = {},
  {
    route = 'auto',
    signal = new AbortController().signal,
  }: Partial<{ route: 'auto' | 'voxtral'; signal: AbortSignal }> = {},
): RoutedWork {
  const entries = Object.entries(fields).map(([name, value]) => ({ name, value }));
  const form = readRoutedForm({ fields: entries, samples: [], sizeBytes: 1000, route });
  if (!form.ok) throw new Error('the form is good');
  return {
    ...{ path: '/nowhere', form: form.value, requestId: 'r', signal },
    untilSlot: async () => undefined,
    load: () => ({ freeSlots: 1, waiting: 0 }),
  };
}

function toolsOf(...backends: { readonly played: Backend }[]) {
  let nowMs = 0;
  const now = () => nowMs++;
  return {
    backends: backends.map(({ played }) => played),
    breakers: createMemoryBreakers({ now, random: () => 0 }),
    isFallbackEnabled: true,
    now,
  };
}

describe('routeRecording', () => {
  it('takes the first that answers, with the warnings of its way', async () => {
    const tools = toolsOf(backend('whisperx', { ask: failing(LOST) }), backend('mistral'));
    const { result, headers } = await routeRecording(workOf(), tools);
    expect(headers).toEqual({
      'x-mana-backend': 'mistral',
      'x-mana-route': 'whisperx=engine_unavailable, mistral=ok',
    });
    expect(result.ok && result.value.warnings).toEqual([
      'Of its own.',
      'Answered by mistral, after whisperx (engine_unavailable) failed.',
    ]);
  });

  it('asks nobody else where the recording itself is at fault', async () => {
    const other = backend('mistral');
    const bad = failing({ kind: 'undecodable_audio', explanation: 'It is a picture.' });
    const { result } = await routeRecording(
      workOf(),
      toolsOf(backend('whisperx', { ask: bad }), other),
    );
    expect(result).toMatchObject({ ok: false, error: { kind: 'undecodable_audio' } });
    expect(other.asked).toEqual([]);
  });

  it('leaves a backend alone that failed five times in a row', async () => {
    const broken = backend('voxtral', { ask: failing(LOST) });
    const tools = toolsOf(broken);
    for (let i = 0; i < 6; i += 1) await routeRecording(workOf({}, { route: 'voxtral' }), tools);
    expect(broken.asked).toHaveLength(5);
    const { result, headers } = await routeRecording(workOf({}, { route: 'voxtral' }), tools);
    expect(headers['x-mana-route']).toBe('none; voxtral=circuit_open');
    expect(result).toMatchObject({
      ok: false,
      error: { kind: 'no_backend', retryAfterSeconds: 10 },
    });
  });

  it('settles only when the attempt has let go of the recording', async () => {
    const leaving = new AbortController();
    const letGo = Promise.withResolvers<void>();
    const slow = backend('whisperx', {
      ask: async () => {
        leaving.abort();
        await letGo.promise;
        return toLocalFailure(new SttException({ kind: 'client_gone' }));
      },
    });
    let hasSettled = false;
    const routed = routeRecording(workOf({}, { signal: leaving.signal }), toolsOf(slow));
    const settled = routed.then((outcome) => {
      hasSettled = true;
      return outcome;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasSettled).toBe(false);
    letGo.resolve();
    expect((await settled).result).toMatchObject({ ok: false, error: { kind: 'client_gone' } });
  });

  it('throws on what is a fault of the program, and tells the breaker nothing', async () => {
    const tools = toolsOf(backend('whisperx', { ask: () => Promise.reject(new TypeError('bug')) }));
    await expect(routeRecording(workOf(), tools)).rejects.toThrow('bug');
    expect(await tools.breakers.look()).toMatchObject([{ backend: 'whisperx', last: null }]);
  });

  it('never asks a hosted backend for a recording that must stay, whatever fails', async () => {
    const anyBackend = fc.record({
      isConfigured: fc.boolean(),
      health: fc.constantFrom('healthy' as const, 'down' as const),
      freeCapacity: fc.constantFrom(null, 0, 1),
      ask: fc.constantFrom(undefined, failing(LOST)),
    });
    const route = fc.constantFrom('auto' as const, 'voxtral' as const);
    const fields = fc.constantFrom(
      {},
      { prefer: 'voxtral' },
      { model: '3B' },
      { model: 'voxtral-mini-2602' },
    );
    await fc.assert(
      fc.asyncProperty(anyBackend, anyBackend, route, fields, async (one, two, way, given) => {
        const hosted = backend('mistral', { models: ['voxtral-mini-2602'] });
        const play = (id: string, { ask, ...state }: typeof one) =>
          backend(id, { ...state, ...(ask !== undefined && { ask }) });
        const tools = toolsOf(play('whisperx', one), play('voxtral', two), hosted);
        await routeRecording(workOf({ ...given, allow_hosted: 'false' }, { route: way }), tools);
        expect(hosted.asked).toEqual([]);
      }),
    );
  });
});
