/** Arbitrary routing worlds and requests, for properties. */
import fc from 'fast-check';
import type {
  BackendState,
  Feature,
  RouteRequest,
  RoutingWorld,
} from '#shared/routing/backends.ts';

const FEATURES: readonly Feature[] = [
  'word_times',
  'segment_times',
  'diarization',
  'prompt',
  'hotwords',
  'translation',
];

const MODELS = ['base', 'large-v3', 'voxtral-mini-latest'];

const anyFeatures = fc.uniqueArray(fc.constantFrom(...FEATURES));

const anyBackend = fc.record<BackendState>({
  id: fc.constantFrom('whisperx', 'voxtral', 'mistral', 'other', 'b-5', 'b-6'),
  family: fc.constantFrom('whisper', 'voxtral'),
  isHosted: fc.boolean(),
  isConfigured: fc.boolean(),
  models: fc.uniqueArray(fc.constantFrom(...MODELS)),
  languages: fc.constantFrom(null, ['de', 'en']),
  features: anyFeatures,
  maxDurationSeconds: fc.constantFrom(null, 1800),
  maxSizeBytes: fc.constantFrom(null, 1_000_000),
  health: fc.constantFrom('healthy', 'degraded', 'down', 'unknown'),
  freeCapacity: fc.constantFrom(null, 0, 3),
  queueLength: fc.nat(20),
  isCircuitOpen: fc.boolean(),
  costPerAudioHour: fc.constantFrom(0, 0.2),
});

/** Up to six backends, each id once. */
export const anyWorld: fc.Arbitrary<RoutingWorld> = fc.record({
  backends: fc.uniqueArray(anyBackend, { selector: ({ id }) => id, maxLength: 6 }),
  isFallbackEnabled: fc.boolean(),
});

export const anyRouteRequest: fc.Arbitrary<RouteRequest> = fc.record(
  {
    route: fc.constantFrom('auto', 'whisper', 'voxtral'),
    model: fc.constantFrom(...MODELS, 'no-such-model'),
    prefer: fc.constantFrom('whisper', 'voxtral'),
    language: fc.constantFrom('de', 'en', 'pl'),
    durationSeconds: fc.constantFrom(10, 7200),
    sizeBytes: fc.constantFrom(1000, 90_000_000),
    features: anyFeatures,
    allowHosted: fc.boolean(),
  },
  { requiredKeys: ['route', 'features', 'allowHosted'] },
);
