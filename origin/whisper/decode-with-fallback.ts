import type {
  AlignmentWeights,
  AudioSpan,
  DecodedChunk,
  DecodeItem,
  SearchOptions,
} from '#origin/engine/protocol.ts';
import { findLoop } from '#origin/whisper/loops.ts';
import {
  compressionRatio,
  isRepetitive,
  isSilence,
  needsFallback,
} from '#origin/whisper/quality.ts';
import type { SearchPlan } from '#origin/whisper/search-plan.ts';
import { tokenBudget } from '#origin/whisper/token-budget.ts';
import type { WhisperTokenizer } from '#origin/whisper/tokenizer.ts';

export interface FallbackDependencies {
  readonly tokenizer: WhisperTokenizer;
  /** One attempt at one chunk. Calls of several chunks that wait together share a batch. */
  readonly decode: (item: DecodeItem, search: SearchOptions) => Promise<DecodedChunk>;
}

export interface ChunkToDecode {
  readonly span: AudioSpan;
  /** From `buildPrompt`. */
  readonly promptIds: readonly number[];
  readonly sotIndex: number;
  readonly language: string;
  /** Level of the loudest 0.1 s, in dB below full scale. Absent: not known. */
  readonly loudestDb?: number | undefined;
}

export interface FallbackOptions {
  /** Beams at temperature 0. Absent: greedy where that is sure of its words, else {@link DEFAULT_BEAMS}. */
  readonly beamSize?: number | undefined;
  /** What the chunks of one recording know of each other. Absent: beams at once. */
  readonly plan?: SearchPlan | undefined;
  /** The only temperature to try. Absent: {@link TEMPERATURES} until one passes. */
  readonly temperature?: number | undefined;
  /** In place of {@link TEMPERATURES}, where more attempts are not worth their time. Not empty. */
  readonly ladder?: readonly number[] | undefined;
  readonly align: boolean;
  /**
   * Whether the likeliest text is plainly made up: then it is given as it is, since no other temperature would hear more
   * in it, and looking for it takes longest of all.
   */
  readonly isInvented?: ((text: LikeliestText) => boolean) | undefined;
}

/** What the first attempt, at temperature 0, made of a chunk. */
export interface LikeliestText {
  readonly text: string;
  readonly avgLogProb: number;
  readonly noSpeechProb: number;
}

/** The text of a chunk and how sure it is. Of a dropped chunk only the figures are left. */
export interface ChunkText {
  readonly tokenIds: Int32Array;
  /** As decoded, with the leading space of Whisper's words. */
  readonly text: string;
  readonly tokenLogProbs: Float32Array;
  readonly alignment: AlignmentWeights | null;
  readonly avgLogProb: number;
  readonly noSpeechProb: number;
  readonly compressionRatio: number;
  /** The temperature of the attempt that was kept. */
  readonly temperature: number;
  /** Of the first attempt: how likely a text the model has at all. Absent where nothing was decoded. */
  readonly likeliest?: LikeliestText;
  /** `inaudible`: too quiet to be speech, and not decoded. */
  readonly dropped?: 'silence' | 'inaudible';
  /** What was left out: the text of a silence, or the further rounds of a loop. */
  readonly removedText?: string;
}

/** The ladder of openai/whisper's `transcribe`. */
export const TEMPERATURES: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1];

/**
 * Decodes a chunk, and again at rising temperatures while the text repeats itself or the model is unsure of it. When
 * no attempt passes, the best one is kept: the likeliest of those that do not repeat themselves. (openai/whisper
 * keeps the last, which at temperature 1 is the most random; the likeliest of all is often a loop.) A chunk
 * that the model takes for silence is dropped; one too quiet to hear is not even decoded, since Whisper invents text
 * for it.
 */
export async function decodeWithFallback(
  dependencies: FallbackDependencies,
  chunk: ChunkToDecode,
  options: FallbackOptions,
): Promise<ChunkText> {
  if ((chunk.loudestDb ?? 0) < INAUDIBLE_DB) {
    return { ...droppedChunk(NOTHING_DECODED), dropped: 'inaudible' };
  }
  const ladder =
    options.temperature === undefined ? (options.ladder ?? TEMPERATURES) : [options.temperature];
  if (options.beamSize === undefined && ladder[0] === 0 && options.plan?.greedyFirst) {
    const greedy = await attemptAt(0, dependencies, chunk, { ...options, beamSize: 1 });
    const isSure = greedy.avgLogProb >= SURE_LOG_PROB && passes(greedy);
    options.plan.note(isSure);
    if (isSure) return resultOf(greedy, greedy);
  }
  const [first = 0, ...warmer] = ladder;
  const searched = await attemptAt(first, dependencies, chunk, options);
  if (isSilence(searched)) return droppedChunk(searched, searched.text);
  if (passes(searched) || options.isInvented?.(searched)) return resultOf(searched, searched);
  // All at once: they share one batch, so the hardest chunk costs three calls and not six.
  const sampled = await Promise.all(
    warmer.map((temperature) => attemptAt(temperature, dependencies, chunk, options)),
  );
  const attempts = [searched, ...sampled];
  const accepted = sampled.find((attempt) => isSilence(attempt) || passes(attempt));
  if (accepted && isSilence(accepted)) return droppedChunk(accepted, accepted.text);
  return resultOf(accepted ?? attempts.reduce(better), searched);
}

/** Beams where no number is asked for; openai/whisper's and faster-whisper's default. */
export const DEFAULT_BEAMS = 5;

/**
 * From this mean log-probability on greedy search is taken at its word: a mean probability of 0.86.
 * Of 37 chunks above it, five beams gave one other word in 5 chunks, now better, now worse; below, they differ in half.
 */
const SURE_LOG_PROB = -0.15;

/** No microphone's speech is that quiet; the noise of 16-bit audio is near -95. */
const INAUDIBLE_DB = -75;

/** Independent samples at temperatures above 0, of which the likeliest counts; openai/whisper's `best_of`. */
const BEST_OF = 5;

const NOTHING_DECODED = { avgLogProb: 0, noSpeechProb: 1, compressionRatio: 0, temperature: 0 };

/** A text, cut before the second round of a loop; the figures are of the whole. */
type Attempt = Omit<ChunkText, 'likeliest' | 'dropped'> & { readonly hasLoop: boolean };

async function attemptAt(
  temperature: number,
  { decode, tokenizer }: FallbackDependencies,
  chunk: ChunkToDecode,
  options: FallbackOptions,
): Promise<Attempt> {
  const { span, promptIds, sotIndex, language } = chunk;
  const decoded = await decode(
    { span, promptIds, sotIndex },
    {
      beamWidth: temperature > 0 ? BEST_OF : (options.beamSize ?? DEFAULT_BEAMS),
      maxNewTokens: tokenBudget(language, span.sampleCount / SAMPLE_RATE, {
        promptLength: promptIds.length,
        maxTokens: tokenizer.maxTokens,
      }),
      lengthPenalty: 1,
      temperature,
      seed: seedOf(span, temperature),
      suppressTokens: tokenizer.suppressTokens,
      suppressAtBegin: tokenizer.beginSuppressTokens,
      align: options.align,
    },
  );
  const loopAt = findLoop(decoded.tokenIds);
  const ratio = compressionRatio(tokenizer.decode(decoded.tokenIds).trim());
  const kept =
    loopAt === null
      ? decoded
      : firstTokens(decoded, endOfWord(decoded.tokenIds, loopAt, tokenizer));
  return {
    ...kept,
    text: tokenizer.decode(kept.tokenIds),
    compressionRatio: ratio,
    temperature,
    hasLoop: loopAt !== null,
    ...(loopAt !== null && {
      removedText: tokenizer.decode(decoded.tokenIds.subarray(kept.tokenIds.length)),
    }),
  };
}

function resultOf({ hasLoop: _, ...kept }: Attempt, first: Attempt): ChunkText {
  const { text, avgLogProb, noSpeechProb } = first;
  return { ...kept, likeliest: { text, avgLogProb, noSpeechProb } };
}

const SAMPLE_RATE = 16_000;

/**
 * The first end of a word from `from` on. A loop is found from the first letters its rounds have in common with the
 * text before it, so its first round often ends within a word.
 */
function endOfWord(ids: Int32Array, from: number, { decode }: WhisperTokenizer): number {
  for (let end = from; end < ids.length; end++) {
    const [before, after] = [
      decode(ids.subarray(end - 1, end)),
      decode(ids.subarray(end, end + 1)),
    ];
    if (/\p{P}$/u.test(before) || /^\s/.test(after)) return end;
  }
  return from;
}

/** The row after the last token kept takes the place of the end token's: there its successor begins. */
function firstTokens(decoded: DecodedChunk, count: number): DecodedChunk {
  const { alignment } = decoded;
  return {
    ...decoded,
    tokenIds: decoded.tokenIds.slice(0, count),
    tokenLogProbs: decoded.tokenLogProbs.slice(0, count),
    alignment: alignment && {
      weights: alignment.weights.slice(0, (count + 1) * alignment.frames),
      rows: count + 1,
      frames: alignment.frames,
    },
  };
}

function passes(attempt: Attempt): boolean {
  return !needsFallback(attempt) && !attempt.hasLoop;
}

/** Of failed attempts: not repeating comes before likely. */
function better(best: Attempt, next: Attempt): Attempt {
  const bestRepeats = best.hasLoop || isRepetitive(best);
  const nextRepeats = next.hasLoop || isRepetitive(next);
  if (bestRepeats !== nextRepeats) return bestRepeats ? next : best;
  return next.avgLogProb > best.avgLogProb ? next : best;
}

function droppedChunk(figures: typeof NOTHING_DECODED, removedText = ''): ChunkText {
  const { avgLogProb, noSpeechProb, compressionRatio, temperature } = figures;
  return {
    tokenIds: new Int32Array(),
    text: '',
    tokenLogProbs: new Float32Array(),
    alignment: null,
    avgLogProb,
    noSpeechProb,
    compressionRatio,
    temperature,
    dropped: 'silence',
    ...(removedText.trim() !== '' && { removedText }),
  };
}

/** The same stretch of the same recording is sampled alike each time; the spooled file's name has no say. */
function seedOf(span: AudioSpan, temperature: number): number {
  let hash = 0x811c9dc5;
  for (const value of [span.startSample, span.sampleCount, Math.round(temperature * 100)]) {
    hash = Math.imul(hash ^ value, 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash & 0x7fffffff;
}
