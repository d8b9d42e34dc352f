import { type SpeakerTimes, TurnIndex } from '#origin/diarize/turn-index.ts';
import type { Diarization, TimeSpan, Word } from '#shared/contracts/transcript.ts';

export interface AssignOptions {
  /** A word outside all turns goes to the nearest one, at most so far away. */
  readonly maxDistanceSeconds: number;
  /** Only flips up to this length are smoothed … */
  readonly flipSeconds: number;
  /** … without a pause of this length on either side. */
  readonly pauseSeconds: number;
  /** Another speaker in more than this share of a word overlaps it. */
  readonly overlapShare: number;
}

export const DEFAULT_ASSIGN_OPTIONS: AssignOptions = {
  maxDistanceSeconds: 2,
  flipSeconds: 0.6,
  pauseSeconds: 0.25,
  overlapShare: 0.25,
};

/**
 * Gives words (in order of time) their speakers by the turns they lie in. A single short word inside another's
 * sentence, with no pause on either side and no end of a sentence, stays with the others: word times and turns are both
 * some tenths of a second off. A word far from every turn keeps no speaker.
 *
 * @returns new words; the old ones are not changed.
 */
export function assignSpeakers(
  words: readonly Word[],
  { turns }: Pick<Diarization, 'turns'>,
  options: Partial<AssignOptions> = {},
): Word[] {
  const limits = { ...DEFAULT_ASSIGN_OPTIONS, ...options };
  const index = new TurnIndex(turns);
  const times = words.map((word) => index.timesIn(word));
  const speakers = chooseSpeakers(words, times, index, limits);
  smoothFlips(words, speakers, limits);
  return words.map((word, i) => {
    const speaker = speakers[i];
    if (speaker === undefined) return withoutSpeaker(word);
    return { ...withoutSpeaker(word), speaker, ...judge(speaker, times[i]!, word, limits) };
  });
}

/** Speaker of each word by time alone; of equals, the one of the word before. */
function chooseSpeakers(
  words: readonly Word[],
  times: readonly SpeakerTimes[],
  index: TurnIndex,
  { maxDistanceSeconds }: AssignOptions,
): (string | undefined)[] {
  const speakers: (string | undefined)[] = [];
  for (const [i, word] of words.entries()) {
    const found = mostTime(times[i]!, speakers[i - 1]);
    speakers.push(found ?? index.nearest(word, maxDistanceSeconds) ?? undefined);
  }
  return speakers;
}

/**
 * The speaker with the most time; null for no one. The word before decides between speakers who talk all the same, as
 * when both talk during the whole word.
 */
export function mostTime(times: SpeakerTimes, before: string | undefined): string | null {
  let best: string | null = null;
  let seconds = Number.NEGATIVE_INFINITY;
  for (const [speaker, value] of times) {
    const isMore = value > seconds + 1e-9;
    const isSame = Math.abs(value - seconds) <= 1e-9;
    if (isMore || (isSame && (speaker === before || (best !== before && speaker < best!)))) {
      [best, seconds] = [speaker, value];
    }
  }
  return best;
}

/** A lone word between two words of one other speaker joins them, where nothing but its times speaks for a change. */
function smoothFlips(
  words: readonly Word[],
  speakers: (string | undefined)[],
  { flipSeconds, pauseSeconds }: AssignOptions,
): void {
  for (let i = 1; i + 1 < words.length; i += 1) {
    const [before, word, after] = [words[i - 1]!, words[i]!, words[i + 1]!];
    const around = speakers[i - 1];
    if (around === undefined || around === speakers[i] || around !== speakers[i + 1]) continue;
    const isShort = word.endSeconds - word.startSeconds <= flipSeconds;
    const pauses = [word.startSeconds - before.endSeconds, after.startSeconds - word.endSeconds];
    const hasPause = pauses.some((pause) => pause >= pauseSeconds);
    if (isShort && !hasPause && !endsSentence(before.text)) speakers[i] = around;
  }
}

/** The text ends a sentence, in any script that marks it. */
export function endsSentence(text: string): boolean {
  return /[.!?…。！？｡।؟۔]["'”’»)\]]*\s*$/u.test(text);
}

function judge(
  speaker: string,
  times: SpeakerTimes,
  span: TimeSpan,
  { overlapShare }: AssignOptions,
): { speakerConfidence: number; isOverlapped: boolean } {
  const seconds = span.endSeconds - span.startSeconds;
  const others = [...times].filter(([name]) => name !== speaker);
  const share = (value: number) => (seconds > 0 ? Math.min(1, value / seconds) : 1);
  const mine = times.has(speaker) ? share(times.get(speaker)!) : 0;
  const theirs = others.reduce((most, [, value]) => Math.max(most, share(value)), 0);
  const isOverlapped = theirs > overlapShare && mine > overlapShare;
  return { speakerConfidence: mine === 0 ? 0 : mine / Math.max(1, mine + theirs), isOverlapped };
}

function withoutSpeaker(word: Word): Word {
  const { speaker: _, speakerConfidence: _c, isOverlapped: _o, ...rest } = word;
  return rest;
}
