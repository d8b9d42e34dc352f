/** The backends by name, and Mistral as routing sees it, for edge and origin alike. Pure. */
import { MISTRAL_MODELS, type MistralModel } from '#shared/mistral/capabilities.ts';
import { featuresOfModel } from '#shared/mistral/features.ts';
import { type BackendState, type Feature, VOXTRAL_LANGUAGES } from '#shared/routing/backends.ts';

/** In headers, metrics and at the breakers: our Whisper, a Voxtral on our own machines, and the hosted one. */
export const WHISPER_BACKEND = 'whisperx';
export const VOXTRAL_BACKEND = 'voxtral';
export const MISTRAL_BACKEND = 'mistral';

/** Whisper's engine can do all there is. */
export const ALL_FEATURES = Object.keys({
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

/** Of Voxtral on our own machines: its words get times, and its speakers names, from Whisper's engine. */
export const LOCAL_VOXTRAL_FEATURES: readonly Feature[] = [
  'word_times',
  'segment_times',
  'diarization',
  'diarization_with_word_times',
  'known_speakers',
  'char_alignments',
  'language_hint',
];

/** Whisper runs anyway, as it finds the times; where nobody asks for Voxtral, the card need not hold both. */
export const LOCAL_VOXTRAL_COST = 0.01;

export interface MistralView {
  /** There is a key for it. */
  readonly isConfigured: boolean;
  readonly isCircuitOpen: boolean;
  /** The last outcome that said something of it; absent: none yet. */
  readonly last?: 'success' | 'failure' | undefined;
  /** The model that would answer. */
  readonly model: MistralModel;
}

export function toMistralState(view: MistralView): BackendState {
  const { isConfigured, isCircuitOpen, last, model } = view;
  return {
    id: MISTRAL_BACKEND,
    family: 'voxtral',
    isHosted: true,
    isConfigured,
    models: MISTRAL_MODELS.map(({ id }) => id),
    languages: VOXTRAL_LANGUAGES,
    features: featuresOfModel(model),
    maxDurationSeconds: model.maxDurationSeconds,
    maxSizeBytes: null,
    health: last === undefined ? 'unknown' : last === 'success' ? 'healthy' : 'degraded',
    freeCapacity: null,
    queueLength: 0,
    isCircuitOpen,
    // Only its sign matters as long as there is one hosted backend.
    costPerAudioHour: 0.2,
  };
}
