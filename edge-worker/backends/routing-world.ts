/** The backends as routing sees them: all origins as one Whisper, those with vLLM as one Voxtral, and Mistral. Pure. */

import type { MistralModel } from '#shared/mistral/capabilities.ts';
import {
  ALL_FEATURES,
  LOCAL_VOXTRAL_COST,
  LOCAL_VOXTRAL_FEATURES,
  MISTRAL_BACKEND,
  toMistralState,
  VOXTRAL_BACKEND,
  WHISPER_BACKEND,
} from '#shared/routing/backend-states.ts';
import {
  type BackendState,
  type RoutingWorld,
  VOXTRAL_LANGUAGES,
} from '#shared/routing/backends.ts';
import type { BreakerView } from '#shared/routing/breaker-board.ts';
import type { OriginState } from '#shared/routing/choose-origin.ts';
import type { NamedModel } from '#shared/routing/named-model.ts';

export interface WorldView {
  readonly origins: readonly OriginState[];
  readonly breakers: readonly BreakerView[];
  /** There is a key for it. */
  readonly isMistralConfigured: boolean;
  readonly isFallbackEnabled: boolean;
  /** What the request names, and the model that would answer at Mistral. */
  readonly named: NamedModel;
  readonly mistralModel: MistralModel;
}

export function toRoutingWorld(view: WorldView): RoutingWorld {
  return {
    backends: [toWhisper(view), ...toVoxtral(view), toMistral(view)],
    isFallbackEnabled: view.isFallbackEnabled,
  };
}

/**
 * Its models are not known here: every name that is nobody else's counts as one, and an origin that has none of that name
 * says so. Lengths and sizes are each origin's own business as well.
 */
function toWhisper({ origins, breakers, named }: WorldView): BackendState {
  const open = origins.filter(({ isDraining }) => !isDraining);
  const alive = open.filter(({ health }) => health !== 'down');
  const free = alive.flatMap(({ freeCapacity }) => freeCapacity ?? []);
  const queues = alive.map(({ queueLength }) => queueLength);
  return {
    id: WHISPER_BACKEND,
    family: 'whisper',
    isHosted: false,
    isConfigured: origins.length > 0,
    models: named.kind === 'other' ? [named.name] : [],
    languages: null,
    features: ALL_FEATURES,
    maxDurationSeconds: null,
    maxSizeBytes: null,
    health: bestHealth(open),
    // One that says nothing may have room.
    freeCapacity: free.length < alive.length ? null : sum(free),
    queueLength: queues.length === 0 ? 0 : Math.min(...queues),
    isCircuitOpen: isOpen(WHISPER_BACKEND, breakers),
    costPerAudioHour: 0,
  };
}

/** Voxtral at the origins that serve it; none where none does. */
function toVoxtral(view: WorldView): readonly BackendState[] {
  const origins = view.origins.filter(({ hasVoxtral }) => hasVoxtral);
  if (origins.length === 0) return [];
  return [
    {
      ...toWhisper({ ...view, origins }),
      id: VOXTRAL_BACKEND,
      family: 'voxtral',
      models: [],
      languages: VOXTRAL_LANGUAGES,
      features: LOCAL_VOXTRAL_FEATURES,
      isCircuitOpen: isOpen(VOXTRAL_BACKEND, view.breakers),
      costPerAudioHour: LOCAL_VOXTRAL_COST,
    },
  ];
}

function toMistral({ breakers, isMistralConfigured, mistralModel }: WorldView): BackendState {
  return toMistralState({
    isConfigured: isMistralConfigured,
    isCircuitOpen: isOpen(MISTRAL_BACKEND, breakers),
    last: breakers.find(({ backend }) => backend === MISTRAL_BACKEND)?.last?.kind,
    model: mistralModel,
  });
}

const HEALTH_BEST_FIRST = ['healthy', 'unknown', 'degraded', 'down'] as const;

function bestHealth(origins: readonly OriginState[]): OriginState['health'] {
  const found = HEALTH_BEST_FIRST.find((it) => origins.some(({ health }) => health === it));
  return found ?? 'down';
}

function isOpen(name: string, breakers: readonly BreakerView[]): boolean {
  return breakers.some(({ backend, isOpen: isIt }) => backend === name && isIt);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, it) => total + it, 0);
}
