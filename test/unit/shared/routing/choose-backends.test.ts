import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BackendState, RouteRequest, RoutingWorld } from '#shared/routing/backends.ts';
import { VOXTRAL_LANGUAGES } from '#shared/routing/backends.ts';
import { chooseBackends } from '#shared/routing/choose-backends.ts';
import { anyRouteRequest, anyWorld } from '#test/support/any-routing.ts';

const RUNS = { seed: 20261125, numRuns: 1000 };

const WHISPER: BackendState = {
  id: 'whisperx',
  family: 'whisper',
  isHosted: false,
  isConfigured: true,
  models: ['base', 'large-v3'],
  languages: null,
  features: ['word_times', 'segment_times', 'diarization', 'prompt', 'hotwords', 'translation'],
  maxDurationSeconds: null,
  maxSizeBytes: 100_000_000,
  health: 'healthy',
  freeCapacity: 3,
  queueLength: 0,
  isCircuitOpen: false,
  costPerAudioHour: 0,
};
const VLLM: BackendState = {
  ...WHISPER,
  id: 'voxtral',
  family: 'voxtral',
  models: ['voxtral-4b'],
  languages: VOXTRAL_LANGUAGES,
  features: [],
  maxDurationSeconds: 1800,
};
const MISTRAL: BackendState = {
  ...VLLM,
  id: 'mistral',
  isHosted: true,
  models: ['voxtral-mini-latest'],
  features: ['word_times', 'segment_times', 'diarization', 'hotwords'],
  maxDurationSeconds: 10_800,
  costPerAudioHour: 0.12,
};
const REQUEST: RouteRequest = { route: 'auto', features: [], allowHosted: true };

function world(...backends: BackendState[]): RoutingWorld {
  return { backends, isFallbackEnabled: true };
}

function order(request: Partial<RouteRequest>, at: RoutingWorld): string[] {
  return chooseBackends({ ...REQUEST, ...request }, at).candidates.map(({ backend }) => backend);
}

function whyNot(request: Partial<RouteRequest>, at: RoutingWorld) {
  const { excluded } = chooseBackends({ ...REQUEST, ...request }, at);
  return Object.fromEntries(excluded.map(({ backend, reason }) => [backend, reason]));
}

describe('chooseBackends', () => {
  it('never leaves our machines with allow_hosted=false, in any world', () => {
    fc.assert(
      fc.property(anyRouteRequest, anyWorld, (request, at) => {
        const { candidates } = chooseBackends({ ...request, allowHosted: false }, at);
        const hosted = at.backends.filter(({ isHosted }) => isHosted).map(({ id }) => id);
        expect(candidates.filter(({ backend }) => hosted.includes(backend))).toEqual([]);
        expect(candidates.every(({ isHosted }) => !isHosted)).toBe(true);
      }),
      RUNS,
    );
  });

  it('never replaces an explicit route or model by another, in any world', () => {
    fc.assert(
      fc.property(anyRouteRequest, anyWorld, (request, at) => {
        for (const { backend } of chooseBackends(request, at).candidates) {
          const { family, models } = at.backends.find(({ id }) => id === backend)!;
          if (request.route !== 'auto') expect(family).toBe(request.route);
          if (request.model !== undefined) expect(models).toContain(request.model);
        }
      }),
      RUNS,
    );
  });

  it('gives the same plan in whatever order the backends are listed', () => {
    const shuffled = anyWorld.chain((at) =>
      fc.tuple(
        fc.constant(at),
        fc.shuffledSubarray([...at.backends], { minLength: at.backends.length }),
      ),
    );
    fc.assert(
      fc.property(anyRouteRequest, shuffled, (request, [at, backends]) => {
        expect(chooseBackends(request, { ...at, backends })).toEqual(chooseBackends(request, at));
      }),
      RUNS,
    );
  });

  it('accounts for every backend, once', () => {
    fc.assert(
      fc.property(anyRouteRequest, anyWorld, (request, at) => {
        const { candidates, excluded } = chooseBackends(request, at);
        const ids = [...candidates, ...excluded].map(({ backend }) => backend);
        expect(ids.toSorted()).toEqual(at.backends.map(({ id }) => id).toSorted());
      }),
      RUNS,
    );
  });

  it('never offers an open circuit, a backend that is not set up, or untranslated text', () => {
    fc.assert(
      fc.property(anyRouteRequest, anyWorld, (request, at) => {
        for (const { backend } of chooseBackends(request, at).candidates) {
          const state = at.backends.find(({ id }) => id === backend)!;
          expect(state.isCircuitOpen).toBe(false);
          expect(state.isConfigured).toBe(true);
          if (request.features.includes('translation')) {
            expect(state.features).toContain('translation');
          }
        }
      }),
      RUNS,
    );
  });

  it('takes our own machines first when nothing is preferred', () => {
    expect(order({}, world(MISTRAL, WHISPER))).toEqual(['whisperx', 'mistral']);
  });

  it('takes the preferred family first', () => {
    expect(order({ prefer: 'voxtral' }, world(WHISPER, VLLM, MISTRAL))).toEqual([
      'voxtral',
      'mistral',
      'whisperx',
    ]);
  });

  it('puts what was asked before what is preferred', () => {
    const request = { prefer: 'voxtral', features: ['prompt'] } as const;
    expect(order(request, world(WHISPER, MISTRAL))).toEqual(['whisperx', 'mistral']);
  });

  it('names what a candidate lacks', () => {
    const plan = chooseBackends(
      { ...REQUEST, route: 'voxtral', features: ['prompt', 'word_times'] },
      world(MISTRAL),
    );
    expect(plan.candidates[0]).toMatchObject({ why: 'asked', lacks: ['prompt'] });
  });

  it('leaves Voxtral out of a language it does not know, unless it was named', () => {
    const at = world(WHISPER, MISTRAL);
    expect(order({ language: 'pl', prefer: 'voxtral' }, at)).toEqual(['whisperx']);
    const named = chooseBackends({ ...REQUEST, language: 'pl', route: 'voxtral' }, at);
    expect(named.candidates[0]).toMatchObject({ backend: 'mistral', isLanguageForeign: true });
  });

  it('leaves out a backend for which the recording is too long or too large', () => {
    const request = { durationSeconds: 20_000, sizeBytes: 200_000_000 };
    expect(whyNot(request, world(WHISPER, MISTRAL))).toEqual({
      whisperx: 'too_large',
      mistral: 'too_long',
    });
  });

  it('passes over a preferred backend with a long queue', () => {
    const busy = { ...WHISPER, freeCapacity: 0, queueLength: 30 };
    expect(order({ prefer: 'whisper' }, world(busy, MISTRAL))).toEqual(['mistral', 'whisperx']);
  });

  it('waits for the preferred backend behind a short queue', () => {
    const busy = { ...WHISPER, freeCapacity: 0, queueLength: 1 };
    expect(order({ prefer: 'whisper' }, world(busy, MISTRAL))).toEqual(['whisperx', 'mistral']);
  });

  it('tries last what is reported down, and not at all what an open breaker guards', () => {
    expect(order({}, world({ ...WHISPER, health: 'down' }, MISTRAL))).toEqual([
      'mistral',
      'whisperx',
    ]);
    expect(order({}, world({ ...WHISPER, isCircuitOpen: true }, MISTRAL))).toEqual(['mistral']);
  });

  it('uses no hosted backend in place of our own while API_FALLBACK_ENABLED is off', () => {
    const at = { ...world(WHISPER, VLLM, MISTRAL), isFallbackEnabled: false };
    expect(order({}, at)).not.toContain('mistral');
    expect(order({ route: 'voxtral' }, at)).toEqual(['voxtral']);
    expect(order({ route: 'voxtral', model: 'voxtral-mini-latest' }, at)).toEqual(['mistral']);
  });

  it('needs no fallback where the hosted backend is the only one of the family asked for', () => {
    const at = { ...world(WHISPER, MISTRAL), isFallbackEnabled: false };
    expect(order({ route: 'voxtral' }, at)).toEqual(['mistral']);
    expect(order({ prefer: 'voxtral' }, at)).toEqual(['mistral', 'whisperx']);
    expect(order({ prefer: 'whisper' }, at)).toEqual(['whisperx']);
  });

  it('forbids even a hosted model that was named when allow_hosted=false', () => {
    const request = { model: 'voxtral-mini-latest', allowHosted: false };
    expect(order(request, world(WHISPER, MISTRAL))).toEqual([]);
    expect(whyNot(request, world(WHISPER, MISTRAL))).toEqual({
      mistral: 'hosted_not_allowed',
      whisperx: 'unknown_model',
    });
  });
});
