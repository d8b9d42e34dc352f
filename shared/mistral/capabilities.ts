/**
 * What each of Mistral's transcription models takes. A table per model id and never one rule for all: the models differ,
 * and `voxtral-mini-latest` moves. Source: the OpenAPI description of platform-docs-public, client-ts 2.7.0, and issues
 * livekit/agents#4399, epicenter#1787, speakr#267.
 */

export interface MistralModel {
  readonly id: string;
  /** Granularities of times that can be asked for. */
  readonly timestamps: readonly Granularity[];
  /** A language sent together with times gives an empty text. */
  readonly allowsLanguageWithTimes: boolean;
  /** Only together with times of segments. */
  readonly canDiarize: boolean;
  readonly bias: BiasRules;
  /** Longest recording by the documentation. */
  readonly maxDurationSeconds: number;
  /** Above it requests often run out of time. */
  readonly advisedDurationSeconds: number;
  /** The id stands for another model from one day to the next. */
  readonly isMoving: boolean;
}

export type Granularity = 'segment' | 'word';

/** Limits of `context_bias`. `word`: neither space nor comma, words of a phrase joined with `_`. */
export interface BiasRules {
  readonly maxItems: number;
  readonly form: 'word' | 'phrase';
  /** Bounds what a caller can make us send. */
  readonly maxItemLength: number;
}

/** The model of this id; null for one that does not transcribe files, or that nobody has looked at yet. */
export function findMistralModel(id: string): MistralModel | null {
  return MISTRAL_MODELS.find((model) => model.id === id) ?? null;
}

/**
 * The model for a request that names none: the moving one, unless word times are wanted, which only a pinned model is
 * known to give.
 */
export function defaultMistralModel(wantsWordTimes: boolean): MistralModel {
  return wantsWordTimes ? VOXTRAL_MINI_2602 : VOXTRAL_MINI_LATEST;
}

const SERIES_2602 = {
  timestamps: ['segment', 'word'],
  allowsLanguageWithTimes: false,
  canDiarize: true,
  bias: { maxItems: 100, form: 'word', maxItemLength: 100 },
  maxDurationSeconds: 3 * 3600,
  advisedDurationSeconds: 90 * 60,
  isMoving: false,
} as const satisfies Omit<MistralModel, 'id'>;

/** The bias shares the context of 65 536 tokens with the audio, so its number stays as low as before. */
const SERIES_3 = {
  ...SERIES_2602,
  timestamps: ['segment'],
  bias: { maxItems: 100, form: 'phrase', maxItemLength: 100 },
} as const satisfies Omit<MistralModel, 'id'>;

const VOXTRAL_MINI_2602: MistralModel = { ...SERIES_2602, id: 'voxtral-mini-2602' };

/** Keeps to what both the 2602 and the 3 series take, since it may be either. */
const VOXTRAL_MINI_LATEST: MistralModel = {
  ...SERIES_2602,
  id: 'voxtral-mini-latest',
  timestamps: ['segment'],
  isMoving: true,
};

/**
 * Not here, because the route refuses them: `voxtral-small-latest` (400 invalid_model), and the realtime models, which
 * have a WebSocket of their own.
 */
export const MISTRAL_MODELS: readonly MistralModel[] = [
  VOXTRAL_MINI_LATEST,
  VOXTRAL_MINI_2602,
  { ...SERIES_3, id: 'voxtral-mini-transcribe-3' },
  { ...SERIES_3, id: 'voxtral-small-transcribe-3' },
];
