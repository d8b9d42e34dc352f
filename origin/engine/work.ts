import type {
  AudioSpan,
  DecodedChunk,
  DecodeItem,
  DetectLanguageRequest,
  DetectLanguageResult,
  EmbedSpeakersRequest,
  EmbedSpeakersResult,
  EmissionItem,
  Emissions,
  SearchOptions,
  SegmentRequest,
  SegmentResult,
} from './protocol.ts';

/** Whose work it is. */
export interface WorkContext {
  /**
   * Stands for one recording on its way, so that each has turns of its own. Never the request's id: clients choose that,
   * and one id on many requests would be one turn, or one client's abort another's.
   */
  readonly owner: symbol;
  /** For the log. */
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Seconds of audio known to be still ahead of this request; smaller goes first. */
  readonly remainingSeconds: () => number;
}

export interface DecodeWorkRequest {
  readonly model: string;
  readonly item: DecodeItem;
  readonly search: SearchOptions;
}

export interface EmissionsWorkRequest {
  /** Canonical name of the aligner. */
  readonly model: string;
  readonly item: EmissionItem;
}

interface WorkBase {
  /** Order of arrival. */
  readonly order: number;
  readonly arrivedAt: number;
  readonly context: WorkContext;
  /** Engine processes or calls that were lost with this work. */
  attempts: number;
  /** It was in a call that failed: it is tried again without company. */
  alone: boolean;
  /** Seconds that others' preparation was allowed to delay it so far. */
  delayedSeconds: number;
  /** Encode calls made for it; bounded, should the engine's cache be too small to keep what they give. */
  encodeCalls: number;
}

export interface SegmentWork extends WorkBase {
  readonly kind: 'segment';
  readonly request: SegmentRequest;
  readonly done: PromiseWithResolvers<SegmentResult>;
}

export interface DetectWork extends WorkBase {
  readonly kind: 'detect';
  readonly request: DetectLanguageRequest;
  readonly done: PromiseWithResolvers<DetectLanguageResult>;
}

export interface DecodeWork extends WorkBase {
  readonly kind: 'decode';
  readonly request: DecodeWorkRequest;
  /** Items of one key may share a call. */
  readonly batchKey: string;
  readonly done: PromiseWithResolvers<DecodedChunk>;
}

export interface EmbedWork extends WorkBase {
  readonly kind: 'embed';
  readonly request: EmbedSpeakersRequest;
  readonly done: PromiseWithResolvers<EmbedSpeakersResult>;
}

/** One chunk for the aligner. */
export interface EmitWork extends WorkBase {
  readonly kind: 'emit';
  readonly request: EmissionsWorkRequest;
  readonly done: PromiseWithResolvers<Emissions>;
}

/** One thing a request waits for. */
export type Work = SegmentWork | EmbedWork | DetectWork | DecodeWork | EmitWork;

/** Audio at the engine's 16 kHz. */
export function spanSeconds(span: AudioSpan): number {
  return span.sampleCount / 16_000;
}

/** The chunks whose audio features the work needs. */
export function spansOf(work: DetectWork | DecodeWork): readonly AudioSpan[] {
  return work.kind === 'detect' ? work.request.spans : [work.request.item.span];
}

/** Seconds of all voices of a request together. */
export function voiceSeconds({ samples }: EmbedSpeakersRequest): number {
  return samples.flat().reduce((sum, span) => sum + spanSeconds(span), 0);
}

/** Equal for items that the engine can decode in one call. Each keeps its own temperature and seed. */
export function batchKeyOf(request: DecodeWorkRequest): string {
  const { model, item, search } = request;
  const samples = search.temperature > 0;
  const shared = { ...search, temperature: 0, seed: 0, maxNewTokens: 0 };
  return JSON.stringify([model, item.promptIds.length, item.sotIndex, samples, shared]);
}
