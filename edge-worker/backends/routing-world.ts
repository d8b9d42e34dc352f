/** The backends as routing sees them: all origins as one Whisper, and Mistral. Pure. */
import type { BreakerView } from '#edge-worker/backends/breakers.ts';
import { MISTRAL_MODELS, type MistralModel } from '#shared/mistral/capabilities.ts';
import { featuresOfModel } from '#shared/mistral/features.ts';
import {
  type BackendState,
  type Feature,
  type RoutingWorld,
  VOXTRAL_LANGUAGES,
} from '#shared/routing/backends.ts';
import type { OriginState } from '#shared/routing/choose-origin.ts';
import type { NamedModel } from '#shared/routing/named-model.ts';

/** The names of the backends, in headers, metrics and at the breakers. */
export const WHISPER_BACKEND = 'whisperx';
export const MISTRAL_BACKEND = 'mistral';

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
    backends: [toWhisper(view), toMistral(view)],
    isFallbackEnabled: view.isFallbackEnabled,
  };
}

/** The engine can do all there is. */
const ALL_FEATURES = Object.keys({
  word_times: true,
  segment_times: true,
  diarization: true,
  diarization_with_word_times: true,
  known_speakers: true,
  channel_split: true,
  char_alignments: true,
  prompt: true,
  hotwords: true,
  language_hint: true,
  translation: true,
} satisfies Record<Feature, true>) as Feature[];

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

function toMistral({ breakers, isMistralConfigured, mistralModel }: WorldView): BackendState {
  const last = breakers.find(({ backend }) => backend === MISTRAL_BACKEND)?.last?.kind;
  return {
    id: MISTRAL_BACKEND,
    family: 'voxtral',
    isHosted: true,
    isConfigured: isMistralConfigured,
    models: MISTRAL_MODELS.map(({ id }) => id),
    languages: VOXTRAL_LANGUAGES,
    features: featuresOfModel(mistralModel),
    maxDurationSeconds: mistralModel.maxDurationSeconds,
    maxSizeBytes: null,
    health: last === undefined ? 'unknown' : last === 'success' ? 'healthy' : 'degraded',
    freeCapacity: null,
    queueLength: 0,
    isCircuitOpen: isOpen(MISTRAL_BACKEND, breakers),
    // Only its sign matters as long as there is one hosted backend.
    costPerAudioHour: 0.2,
  };
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
