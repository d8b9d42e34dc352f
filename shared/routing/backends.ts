/** What routing knows: the backends as they are at this moment, and what a request asks for. */

/** Which kind of model answers. An explicit choice of one is never answered by the other. */
export type ModelFamily = 'whisper' | 'voxtral';

/** What a request may ask for and a backend may lack. */
export type Feature =
  | 'word_times'
  | 'segment_times'
  | 'diarization'
  | 'diarization_with_word_times'
  | 'known_speakers'
  | 'channel_split'
  | 'char_alignments'
  | 'prompt'
  | 'hotwords'
  | 'language_hint'
  | 'translation';

export interface BackendState {
  /** Unique, for headers and logs: letters, digits, `-` and `_`. */
  readonly id: string;
  readonly family: ModelFamily;
  /** Runs on somebody else's machines. */
  readonly isHosted: boolean;
  /** Set up at all, with its address and key. */
  readonly isConfigured: boolean;
  /** Models that can be named. */
  readonly models: readonly string[];
  /** Codes of the languages it knows; null: all. */
  readonly languages: readonly string[] | null;
  readonly features: readonly Feature[];
  /** Longest recording; null: no limit known. */
  readonly maxDurationSeconds: number | null;
  /** Largest file; null: no limit known. */
  readonly maxSizeBytes: number | null;
  /** `down` by its last report, `unknown` without a recent one. */
  readonly health: 'healthy' | 'degraded' | 'down' | 'unknown';
  /** Requests that it could begin at once; null: unknown. */
  readonly freeCapacity: number | null;
  /** Requests that wait there. */
  readonly queueLength: number;
  /** Its breaker lets no request through now. */
  readonly isCircuitOpen: boolean;
  /** In any currency, the same for all; 0 for our own machines. */
  readonly costPerAudioHour: number;
}

export interface RoutingWorld {
  readonly backends: readonly BackendState[];
  /** `API_FALLBACK_ENABLED`: hosted backends may step in where they were not asked for. */
  readonly isFallbackEnabled: boolean;
}

export interface RouteRequest {
  /** By the address: `/transcribe/auto`, or a family by name. */
  readonly route: 'auto' | ModelFamily;
  /** Exactly this model. */
  readonly model?: string;
  /** With `auto` only: this family where it can. */
  readonly prefer?: ModelFamily;
  /** Code of the language. Absent: to be detected. */
  readonly language?: string;
  readonly durationSeconds?: number;
  readonly sizeBytes?: number;
  readonly features: readonly Feature[];
  /** False: the recording never leaves our machines, whatever else is asked. */
  readonly allowHosted: boolean;
}

/** The languages Voxtral was made for. */
export const VOXTRAL_LANGUAGES: readonly string[] = [
  'en',
  'zh',
  'hi',
  'es',
  'ar',
  'fr',
  'pt',
  'ru',
  'de',
  'ja',
  'ko',
  'it',
  'nl',
];
