/**
 * Alignment, first version: the decoder's cross-attention → the time of each word. No other model is needed, and every
 * language Whisper knows has word times.
 */

import {
  lookedAt,
  onsetFrame,
  type TokenAttention,
  type TokenTimes,
  tokenTimes,
} from '#origin/align/attention-times.ts';
import { fitToSpeech, type SpeechSpan, type TimedSpan } from '#origin/align/fit-to-speech.ts';
import { splitWords, type TokenWord } from '#origin/align/split-words.ts';
import type { Word } from '#shared/contracts/transcript.ts';

/** A word that remembers whether a space stood before it, so that texts can be put together again. */
export interface AlignedWord extends Word {
  readonly spaceBefore: boolean;
}

export interface WordTimesInput {
  /** Text of token ids; an unfinished character is U+FFFD, a token that is no text is nothing. */
  readonly decode: (ids: number[]) => string;
  /** Without prompt and end token. */
  readonly tokenIds: ArrayLike<number>;
  readonly tokenLogProbs: ArrayLike<number>;
  /** Normalised over tokens and averaged over heads; finite. One row more than tokens, 20 ms a frame. */
  readonly alignment: TokenAttention;
  readonly chunkStartSeconds: number;
  readonly chunkEndSeconds: number;
  /** What voice activity found in the chunk, in the recording's time, in order. Absent: not known. */
  readonly speech?: readonly SpeechSpan[] | undefined;
}

/**
 * The words of a chunk with times in the recording: in order, `start ≤ end`, no word before the end of the one
 * before it, all within the chunk. `score` is the geometric mean of the probabilities of the word's tokens.
 *
 * @throws RangeError when the alignment has not a row for each token and one for the end
 */
export function wordTimes(input: WordTimesInput): AlignedWord[] {
  const { tokenIds, alignment, chunkStartSeconds, chunkEndSeconds } = input;
  if (alignment.rows !== tokenIds.length + 1) {
    throw new RangeError(`Alignment has ${alignment.rows} rows for ${tokenIds.length} tokens.`);
  }
  const words = splitWords(tokenIds, input.decode);
  if (words.length === 0) return [];
  const seconds = chunkEndSeconds - chunkStartSeconds;
  const times = tokenTimes(alignment, Math.ceil(seconds / FRAME_SECONDS));
  const spans = words.map((word) => placeWord(word, times));
  shortenImplausible(words, spans);
  fitToSpeech(spans, relativeTo(chunkStartSeconds, input.speech ?? []), (index, start, end) =>
    attentionIn(words[index]!, times, start, end),
  );
  keepOrder(spans, seconds);
  return words.map((word, index) => ({
    text: word.text,
    startSeconds: Math.min(chunkEndSeconds, chunkStartSeconds + spans[index]!.startSeconds),
    endSeconds: Math.min(chunkEndSeconds, chunkStartSeconds + spans[index]!.endSeconds),
    score: scoreOf(word, input.tokenLogProbs),
    spaceBefore: word.spaceBefore,
  }));
}

const FRAME_SECONDS = 0.02;

/** The end is where the next token begins, be it a punctuation mark; a pause thus falls on the mark. */
function placeWord(word: TokenWord, times: TokenTimes): TimedSpan {
  return {
    startSeconds: onsetFrame(times, word.firstToken) * FRAME_SECONDS,
    endSeconds: times.starts[word.endToken]! * FRAME_SECONDS,
  };
}

/**
 * A word without punctuation before it takes the whole pause. Nobody speaks one word of a sentence at a small part of
 * the speed of the others: beyond four times the median seconds per letter it begins later. The end is not moved; the
 * path finds it well.
 */
function shortenImplausible(words: readonly TokenWord[], spans: readonly TimedSpan[]): void {
  const perLetter = spans.map(
    (span, index) => (span.endSeconds - span.startSeconds) / words[index]!.text.length,
  );
  const median = perLetter.toSorted((a, b) => a - b)[perLetter.length >> 1]!;
  spans.forEach((span, index) => {
    const longest = SLOW_WORD_SECONDS + 4 * median * words[index]!.text.length;
    span.startSeconds = Math.max(span.startSeconds, span.endSeconds - longest);
  });
}

/** What every word may take, however short. */
const SLOW_WORD_SECONDS = 0.4;

function relativeTo(originSeconds: number, speech: readonly SpeechSpan[]): SpeechSpan[] {
  return speech.map(({ startSeconds, endSeconds }) => ({
    startSeconds: startSeconds - originSeconds,
    endSeconds: endSeconds - originSeconds,
  }));
}

function attentionIn(word: TokenWord, times: TokenTimes, start: number, end: number): number {
  let sum = 0;
  for (let row = word.firstToken; row < word.endToken; row++) {
    const from = Math.max(times.starts[row]!, Math.round(start / FRAME_SECONDS));
    const to = Math.min(times.starts[row + 1]!, Math.round(end / FRAME_SECONDS));
    sum += lookedAt(times, row, from, to);
  }
  return sum;
}

function keepOrder(spans: readonly TimedSpan[], durationSeconds: number): void {
  let earliest = 0;
  for (const span of spans) {
    span.startSeconds = Math.min(durationSeconds, Math.max(earliest, span.startSeconds));
    span.endSeconds = Math.min(durationSeconds, Math.max(span.startSeconds, span.endSeconds));
    earliest = span.endSeconds;
  }
}

function scoreOf({ firstToken, endToken }: TokenWord, logProbs: ArrayLike<number>): number {
  let sum = 0;
  for (let token = firstToken; token < endToken; token++) sum += logProbs[token] ?? 0;
  return Math.min(1, Math.exp(sum / (endToken - firstToken)));
}
