/**
 * What the stages may ask of the engine, and what it answers. Plain data only: every value crosses the boundary
 * to the engine's child process by structured clone. One chunk of audio travels as a span of a spooled waveform
 * file, so that hours of audio never sit in a message.
 */

/** A stretch of a spooled waveform: 32-bit little-endian floats, mono, 16 kHz. */
export interface AudioSpan {
  /** Absolute path of the waveform file. */
  readonly path: string;
  readonly startSample: number;
  readonly sampleCount: number;
}

/**
 * Speech activity of windows as long as the segmentation model takes: 80,000 samples (5 s, the embedded one) or 160,000
 * (10 s). No span may be longer; shorter ones are padded with silence.
 */
export interface SegmentRequest {
  readonly windows: readonly AudioSpan[];
}

export interface SegmentResult {
  /** Probability per window, frame and local speaker: row-major (windows, frames, speakers). */
  readonly activations: Float32Array;
  /** Of one window: 293 for 5 s, 589 for 10 s. */
  readonly frames: number;
  readonly speakers: number;
}

/** Puts the audio features of chunks (≤ 30 s) into the engine's cache, so that the steps that follow start at once. */
export interface EncodeRequest {
  readonly model: string;
  readonly spans: readonly AudioSpan[];
}

export interface DetectLanguageRequest {
  readonly model: string;
  readonly spans: readonly AudioSpan[];
}

export interface DetectLanguageResult {
  /** Codes in the order of the columns, e.g. "en". */
  readonly languages: readonly string[];
  /** Probability per span and language: row-major (spans, languages); each row sums to 1. */
  readonly probabilities: Float32Array;
}

/** One batch: all items have prompts of one length and share the search's settings. */
export interface DecodeRequest {
  readonly model: string;
  readonly items: readonly DecodeItem[];
  readonly search: SearchOptions;
}

export interface DecodeItem {
  readonly span: AudioSpan;
  /** `[<|startofprev|>, context …,] <|startoftranscript|>, language, task, <|notimestamps|>` */
  readonly promptIds: readonly number[];
  /** Where `<|startoftranscript|>` stands in `promptIds`. */
  readonly sotIndex: number;
  /** This item's own, in place of the search's; all items of a batch sample, or none does. */
  readonly sampling?: Sampling;
}

export interface Sampling {
  readonly temperature: number;
  /** Seed of the samples; unused at temperature 0. */
  readonly seed: number;
}

export interface SearchOptions extends Sampling {
  /** Live beams (temperature 0) or independent samples (temperature > 0). */
  readonly beamWidth: number;
  readonly maxNewTokens: number;
  /** Exponent of the length that divides a hypothesis' log-probability; 1 = mean. */
  readonly lengthPenalty: number;
  /** Token ids that are never produced, and those not allowed as the first one. */
  readonly suppressTokens: readonly number[];
  readonly suppressAtBegin: readonly number[];
  /** Also give the cross-attention of the alignment heads over the tokens found. */
  readonly align: boolean;
}

/** The best hypothesis of one item. */
export interface DecodedChunk {
  /** Token ids without prompt and end token. */
  readonly tokenIds: Int32Array;
  /** Log-probability of each of `tokenIds`. */
  readonly tokenLogProbs: Float32Array;
  /** Mean log-probability over the tokens and, where it was reached, the end token. */
  readonly avgLogProb: number;
  /** Probability of `<|nospeech|>` at `<|startoftranscript|>`. */
  readonly noSpeechProb: number;
  readonly alignment: AlignmentWeights | null;
}

/** Cross-attention, softmaxed, normalised over tokens and averaged over the alignment heads; not yet filtered. */
export interface AlignmentWeights {
  /** Row-major (tokens + 1, frames): a row for each token and a last one for the end token. */
  readonly weights: Float32Array;
  readonly rows: number;
  /** 20 ms each. */
  readonly frames: number;
}

/** One voice: stretches of a waveform, heard as if one followed the other. Together at least 0.1 s. */
export type VoiceSample = readonly AudioSpan[];

export interface EmbedSpeakersRequest {
  readonly samples: readonly VoiceSample[];
}

export interface EmbedSpeakersResult {
  /** Unit vectors: row-major (samples, dimensions). */
  readonly embeddings: Float32Array;
  readonly dimensions: number;
}

/** Which columns of a CTC model's output are wanted for one chunk (≤ 30 s). */
export interface EmissionItem {
  readonly span: AudioSpan;
  /** Token ids of the model's vocabulary, e.g. the blank and each sign of the chunk's text once. */
  readonly columns: readonly number[];
}

export interface EmissionsRequest {
  /** Canonical name of the aligner. */
  readonly model: string;
  readonly items: readonly EmissionItem[];
}

/** Log-probabilities of one chunk. */
export interface Emissions {
  /**
   * Row-major (frames, columns + 1). The last column is the wildcard's: the largest log-probability of the frame
   * among all tokens but the blank.
   */
  readonly logProbs: Float32Array;
  readonly frames: number;
  /** Samples from one frame to the next; 320 for wav2vec2. */
  readonly frameSamples: number;
}

/** The calls, by name: what the child process implements and the parent's client offers. */
export interface EngineCalls {
  segment(request: SegmentRequest): Promise<SegmentResult>;
  encode(request: EncodeRequest): Promise<void>;
  detectLanguage(request: DetectLanguageRequest): Promise<DetectLanguageResult>;
  decode(request: DecodeRequest): Promise<readonly DecodedChunk[]>;
  /** Embeddings of voices, by the speaker encoder. */
  embedSpeakers(request: EmbedSpeakersRequest): Promise<EmbedSpeakersResult>;
  /** CTC log-probabilities, by an aligner. */
  emissions(request: EmissionsRequest): Promise<readonly Emissions[]>;
  /** Loads a model's sessions ahead of use. */
  load(request: { readonly model: string }): Promise<LoadResult>;
}

export interface LoadResult {
  readonly model: string;
  /** "cpu" or "cuda": what the sessions really run on. */
  readonly device: string;
  readonly loadSeconds: number;
  /** Why a better device or build was not taken, for the log; null when the first choice worked. */
  readonly note?: string | null;
}
