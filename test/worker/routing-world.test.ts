import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRoutingWorld, type WorldView } from '#edge-worker/backends/routing-world.ts';
import { defaultMistralModel } from '#shared/mistral/capabilities.ts';
import { chooseBackends } from '#shared/routing/choose-backends.ts';
import type { OriginState } from '#shared/routing/choose-origin.ts';
import { readModelName } from '#shared/routing/named-model.ts';

const IDLE: OriginState = {
  id: 'one',
  health: 'healthy',
  isDraining: false,
  freeCapacity: 2,
  queueLength: 0,
};

function world(view: Partial<WorldView>) {
  const { backends } = toRoutingWorld({
    origins: [IDLE],
    breakers: [],
    isMistralConfigured: true,
    isFallbackEnabled: true,
    named: { kind: 'none' },
    mistralModel: defaultMistralModel(true),
    ...view,
  });
  const [whisper, mistral] = backends;
  if (whisper === undefined || mistral === undefined) throw new Error('two backends');
  return { whisper, mistral };
}

const whisperOf = (...origins: Partial<OriginState>[]) =>
  world({ origins: origins.map((it, index) => ({ ...IDLE, id: `o${index}`, ...it })) }).whisper;

describe('toRoutingWorld', () => {
  it('adds up the room of all origins and takes the shortest queue', () => {
    expect(whisperOf({ freeCapacity: 2 }, { freeCapacity: 1, queueLength: 3 })).toMatchObject({
      freeCapacity: 3,
      queueLength: 0,
      health: 'healthy',
    });
  });

  it('counts neither those that are down nor those that are emptied', () => {
    const busy = { freeCapacity: 0, queueLength: 4 };
    expect(whisperOf(busy, { health: 'down' }, { isDraining: true })).toMatchObject(busy);
  });

  it('is down when nobody is left', () => {
    expect(whisperOf({ health: 'down' }, { isDraining: true }).health).toBe('down');
    expect(world({ origins: [] }).whisper).toMatchObject({ health: 'down', isConfigured: false });
  });

  it('knows no room where an origin says nothing of it', () => {
    expect(whisperOf({ freeCapacity: null }, { freeCapacity: 3 }).freeCapacity).toBeNull();
  });

  it('leaves every name to Whisper that no Voxtral has', () => {
    const { whisper, mistral } = world({ named: readModelName('huge', false) });
    expect(whisper.models).toEqual(['huge']);
    expect(mistral.models).not.toContain('huge');
  });

  it('believes the breakers, each of its own backend', () => {
    const open = { backend: 'mistral', state: 'open', isOpen: true } as const;
    const last = { kind: 'failure', atMs: 1 } as const;
    const { whisper, mistral } = world({ breakers: [{ ...open, last }] });
    expect(whisper.isCircuitOpen).toBe(false);
    expect(mistral).toMatchObject({ isCircuitOpen: true, health: 'degraded' });
  });

  it('never lets a recording that must stay here reach Mistral, whatever the world', () => {
    const anyOrigin = fc.record<OriginState>({
      id: fc.constantFrom('a', 'b'),
      health: fc.constantFrom('healthy', 'degraded', 'down', 'unknown'),
      isDraining: fc.boolean(),
      freeCapacity: fc.constantFrom(null, 0, 2),
      queueLength: fc.nat(9),
    });
    const anyName = fc.constantFrom(undefined, 'base', '3B', 'voxtral-mini-2602');
    fc.assert(
      fc.property(
        fc.array(anyOrigin, { maxLength: 3 }),
        anyName,
        fc.constantFrom('auto' as const, 'voxtral' as const),
        fc.boolean(),
        (origins, name, route, isFallbackEnabled) => {
          const named = readModelName(name, false);
          const { whisper, mistral } = world({ origins, named });
          const request = {
            ...{ route, features: [], allowHosted: false },
            ...(name !== undefined && { model: name }),
          };
          const plan = chooseBackends(request, {
            backends: [whisper, mistral],
            isFallbackEnabled,
          });
          expect(plan.candidates.filter(({ isHosted }) => isHosted)).toEqual([]);
        },
      ),
    );
  });
});
