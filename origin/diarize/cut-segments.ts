import {
  type AssignOptions,
  assignSpeakers,
  endsSentence,
  mostTime,
} from '#origin/diarize/assign-speakers.ts';
import { TurnIndex } from '#origin/diarize/turn-index.ts';
import type { Diarization, Segment, Word } from '#shared/contracts/transcript.ts';

export interface CutOptions {
  /** A pause of this length is evidence for a change of speakers. */
  readonly pauseSeconds: number;
  /** So are this many words of the new speaker in a row. */
  readonly minWords: number;
}

const DEFAULT_CUT_OPTIONS: CutOptions = { pauseSeconds: 0.25, minWords: 2 };

/**
 * Gives the words of all segments their speakers and cuts the segments where the speaker changes. Segments without
 * words get the speaker who talks most in their span.
 */
export function diarizeSegments(
  segments: readonly Segment[],
  diarization: Pick<Diarization, 'turns'>,
  options: Partial<AssignOptions> = {},
): Segment[] {
  const words = assignSpeakers(
    segments.flatMap((segment) => segment.words),
    diarization,
    options,
  );
  const index = new TurnIndex(diarization.turns);
  let at = 0;
  const withWords = segments.map((segment) => {
    const mine = words.slice(at, at + segment.words.length);
    at += segment.words.length;
    return mine.length > 0 ? { ...segment, words: mine } : bySpan(segment, index);
  });
  return cutAtSpeakerChanges(withWords);
}

/**
 * Cuts segments whose words have speakers at the changes that have evidence: a pause, the end of a sentence or clause,
 * or two words of the new speaker in a row. Words of a change without evidence get the speaker of the words around
 * them. Each segment then has one speaker. Segments without words stay as they are.
 */
export function cutAtSpeakerChanges(
  segments: readonly Segment[],
  options: Partial<CutOptions> = {},
): Segment[] {
  const limits = { ...DEFAULT_CUT_OPTIONS, ...options };
  return segments.flatMap((segment) => {
    if (segment.words.length === 0) return [segment];
    const runs = mergeUnproven(runsOf(segment.words), limits);
    const texts = runs.length === 1 ? [segment.text] : cutText(segment.text, runs);
    return runs.map((words, i) => {
      const span = runs.length === 1 ? {} : spanOf(words);
      const { speaker: _, speakerConfidence: _c, isOverlapped: _o, ...rest } = segment;
      return { ...rest, ...span, text: texts[i]!, words, ...speakerOf(words) };
    });
  });
}

/** Words in a row with the same speaker; words without a speaker go with those before them. */
function runsOf(words: readonly Word[]): Word[][] {
  const runs: Word[][] = [];
  for (const word of words) {
    const run = runs.at(-1);
    const isSame = word.speaker === undefined || run?.at(0)?.speaker === undefined;
    if (run !== undefined && (isSame || run.some(({ speaker }) => speaker === word.speaker))) {
      run.push(word);
    } else {
      runs.push([word]);
    }
  }
  return runs;
}

/** Joins runs to the one before them (the first to the one after) where nothing proves the change. */
function mergeUnproven(runs: readonly Word[][], limits: CutOptions): Word[][] {
  const merged: Word[][] = [];
  for (const [i, run] of runs.entries()) {
    const before = merged.at(-1);
    if (before === undefined) merged.push([...run]);
    else if (isProven(before, run, runs[i + 1], limits)) merged.push([...run]);
    else if (voiceOf(before) === voiceOf(run)) before.push(...run);
    else before.push(...run.map((word) => relabel(word, voiceOf(before))));
  }
  const [first, second] = merged;
  if (first === undefined || second === undefined || first.length >= limits.minWords) return merged;
  if (isBoundary(first.at(-1), second[0], limits)) return merged;
  const voice = voiceOf(second);
  return [[...first.map((word) => relabel(word, voice)), ...second], ...merged.slice(2)];
}

function isProven(
  before: readonly Word[],
  run: readonly Word[],
  after: readonly Word[] | undefined,
  limits: CutOptions,
): boolean {
  if (voiceOf(before) === voiceOf(run)) return false;
  if (run.length >= limits.minWords) return true;
  // A lone word needs a boundary on both sides, or it is the tail or head of its neighbours' sentence.
  const begins = isBoundary(before.at(-1), run[0], limits);
  return begins && (after === undefined || isBoundary(run.at(-1), after[0], limits));
}

function isBoundary(
  before: Word | undefined,
  after: Word | undefined,
  { pauseSeconds }: CutOptions,
): boolean {
  if (before === undefined || after === undefined) return true;
  if (after.startSeconds - before.endSeconds >= pauseSeconds) return true;
  return endsSentence(before.text) || /[,;:，、；：؛،–—-]["'”’»)]*\s*$/u.test(before.text);
}

function voiceOf(words: readonly Word[]): string | undefined {
  return words.find(({ speaker }) => speaker !== undefined)?.speaker;
}

/** The word as said by another; its confidence is what is left of that in the old one. */
function relabel(word: Word, speaker: string | undefined): Word {
  const { speaker: _, ...rest } = word;
  if (speaker === undefined) return rest;
  return { ...rest, speaker, speakerConfidence: Math.max(0, 1 - (word.speakerConfidence ?? 1)) };
}

function speakerOf(
  words: readonly Word[],
): Pick<Segment, 'speaker' | 'speakerConfidence' | 'isOverlapped'> {
  const speaker = voiceOf(words);
  if (speaker === undefined) return {};
  let [sum, total] = [0, 0];
  for (const { startSeconds, endSeconds, speakerConfidence = 0 } of words) {
    const seconds = Math.max(0.01, endSeconds - startSeconds);
    sum += seconds * speakerConfidence;
    total += seconds;
  }
  const isOverlapped = words.some((word) => word.isOverlapped === true);
  return { speaker, speakerConfidence: sum / total, isOverlapped };
}

/** Speaker of a segment without words: who talks most in it, else the nearest within 2 s. */
function bySpan(segment: Segment, index: TurnIndex): Segment {
  const { speaker: _, speakerConfidence: _c, isOverlapped: _o, ...rest } = segment;
  const times = index.timesIn(segment);
  const speaker = mostTime(times, undefined) ?? index.nearest(segment, 2);
  if (speaker === null) return rest;
  const all = [...times.values()].reduce((sum, seconds) => sum + seconds, 0);
  const speakerConfidence = all > 0 ? (times.get(speaker) ?? 0) / all : 0;
  const seconds = segment.endSeconds - segment.startSeconds;
  return { ...rest, speaker, speakerConfidence, isOverlapped: all > 1.1 * seconds };
}

function spanOf(words: readonly Word[]): { startSeconds: number; endSeconds: number } {
  const startSeconds = Math.min(...words.map((word) => word.startSeconds));
  const endSeconds = Math.max(...words.map((word) => word.endSeconds));
  return { startSeconds, endSeconds };
}

/** The text of each run, as it stands in the whole text, so that spaces are right in every script. */
function cutText(text: string, runs: readonly (readonly Word[])[]): string[] {
  let at = 0;
  const ends = runs.map((words) => {
    for (const word of words) {
      const found = text.indexOf(word.text, at);
      if (found < 0) return -1;
      at = found + word.text.length;
    }
    return at;
  });
  // Words that are not the text's own: their texts are all there is.
  if (ends.includes(-1)) return runs.map((words) => words.map((word) => word.text).join(' '));
  return runs.map((_, i) => {
    const isLast = i === runs.length - 1;
    return text.slice(ends[i - 1] ?? 0, isLast ? undefined : ends[i]).trim();
  });
}
