import type { SpeechSpan } from '#origin/align/fit-to-speech.ts';
import { endsSentence } from '#origin/align/sentence-ends.ts';
import { findWords, startsUnspaced } from '#origin/align/unspaced-scripts.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import type { Segment } from '#shared/contracts/transcript.ts';

/**
 * Words → sentences, each from its first word's start to its last word's end. A sentence that runs on for too long
 * is divided at clauses and pauses, so that subtitles and players stay usable.
 */
export function splitSentences(words: readonly AlignedWord[]): Segment[] {
  const sentences: AlignedWord[][] = [];
  let sentence: AlignedWord[] = [];
  words.forEach((word, index) => {
    sentence.push(word);
    const next = words[index + 1];
    if (
      next &&
      !endsSentence({ word: word.text, next: next.text, pauseSeconds: pause(word, next) })
    )
      return;
    sentences.push(...divideLong(sentence));
    sentence = [];
  });
  return sentences.map(toSegment);
}

/**
 * Sentences where no word times exist: the text is laid evenly over the speech of its chunk, letter by letter. Times
 * are estimates; they are in order and within the span. `words` is empty.
 *
 * @param speech where speech is within the span, in order; absent or empty: everywhere
 */
export function estimateSentences(
  text: string,
  span: SpeechSpan,
  speech: readonly SpeechSpan[] = [],
): Segment[] {
  const words = spreadWords(text, speechWithin(span, speech));
  return splitSentences(words).map((segment) => ({ ...segment, words: [] }));
}

/**
 * The same by words, for a text that came without any times: an aligner may place them better. The first one counts as
 * standing behind a space, as it does where the text before it goes on.
 */
export function estimateWords(
  text: string,
  span: SpeechSpan,
  speech: readonly SpeechSpan[] = [],
): AlignedWord[] {
  return spreadWords(text, speechWithin(span, speech)).map((word, index) => ({
    ...word,
    timing: 'estimated',
    ...(index === 0 && { spaceBefore: !startsUnspaced(word.text) }),
  }));
}

/** Longer ones are divided. Whisper's own segments are at most 30 s. */
const MAX_SECONDS = 30;
const MAX_CHARACTERS = 400;

function speechWithin(span: SpeechSpan, speech: readonly SpeechSpan[]): readonly SpeechSpan[] {
  const stretches = speech
    .map(({ startSeconds, endSeconds }) => ({
      startSeconds: Math.max(startSeconds, span.startSeconds),
      endSeconds: Math.min(endSeconds, span.endSeconds),
    }))
    .filter(({ startSeconds, endSeconds }) => startSeconds < endSeconds);
  return stretches.length > 0 ? stretches : [span];
}

function pause(word: AlignedWord, next: AlignedWord): number {
  return next.startSeconds - word.endSeconds;
}

/** Halves, and halves again, until each part is short enough. */
function divideLong(words: AlignedWord[]): AlignedWord[][] {
  const seconds = words.at(-1)!.endSeconds - words[0]!.startSeconds;
  const isLong = seconds > MAX_SECONDS || textOf(words).length > MAX_CHARACTERS;
  if (!isLong || words.length < 2) return [words];
  const cut = bestCut(words);
  return [...divideLong(words.slice(0, cut)), ...divideLong(words.slice(cut))];
}

/** The boundary in the middle half after which a clause ends or the pause is longest. */
function bestCut(words: readonly AlignedWord[]): number {
  const first = Math.max(1, Math.floor(words.length / 4));
  const last = Math.max(first, Math.ceil((words.length * 3) / 4) - 1);
  let best = first;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let cut = first; cut <= last; cut++) {
    const before = words[cut - 1]!;
    const offCentre = Math.abs(cut / words.length - 0.5);
    const score =
      pause(before, words[cut]!) + (CLAUSE_END.test(before.text) ? CLAUSE_BONUS : 0) - offCentre;
    if (score > bestScore) {
      best = cut;
      bestScore = score;
    }
  }
  return best;
}

const CLAUSE_END = /[,;:،؛，、；：–—]["'”’»」』)]*$/u;

/** A clause's end counts like a pause of this many seconds. */
const CLAUSE_BONUS = 0.6;

function textOf(words: readonly AlignedWord[]): string {
  return words
    .map((word, index) => (index > 0 && word.spaceBefore ? ` ${word.text}` : word.text))
    .join('');
}

function toSegment(words: readonly AlignedWord[]): Segment {
  return {
    text: textOf(words),
    startSeconds: words[0]!.startSeconds,
    endSeconds: words.at(-1)!.endSeconds,
    words: words.map(({ spaceBefore: _, ...word }) => word),
  };
}

/** Each letter takes an equal share of the stretches' time; pauses between stretches fall between words. */
function spreadWords(text: string, stretches: readonly SpeechSpan[]): AlignedWord[] {
  const trimmed = text.trim();
  return findWords(trimmed).map(({ text: word, index }) => ({
    text: word,
    startSeconds: timeAt(index / trimmed.length, stretches, 'start'),
    endSeconds: timeAt((index + word.length) / trimmed.length, stretches, 'end'),
    score: 0,
    spaceBefore: /\s/.test(trimmed[index - 1] ?? ''),
  }));
}

/** The time at which a share (0..1) of the speech has passed. On a pause: after it for a start, before it for an end. */
function timeAt(share: number, stretches: readonly SpeechSpan[], side: 'start' | 'end'): number {
  const total = stretches.reduce(
    (sum, { startSeconds, endSeconds }) => sum + endSeconds - startSeconds,
    0,
  );
  let left = share * total;
  for (const { startSeconds, endSeconds } of stretches) {
    const seconds = endSeconds - startSeconds;
    if (left < seconds || (side === 'end' && left === seconds)) return startSeconds + left;
    left -= seconds;
  }
  return stretches.at(-1)!.endSeconds;
}
