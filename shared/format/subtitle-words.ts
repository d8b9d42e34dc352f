/** A sentence → the pieces between which a line or a subtitle may be broken, each with its times. */

import type { Segment } from '#shared/contracts/transcript.ts';
import { splitUnits } from '#shared/format/break-places.ts';
import { toOneLine } from '#shared/format/scripts.ts';
import { textWidth } from '#shared/format/text-width.ts';

/** A word as a subtitle shows it; in scripts without spaces what `Intl.Segmenter` takes for one. */
export interface SubtitleWord {
  readonly text: string;
  /** A space stands between it and the word before. */
  readonly hasSpaceBefore: boolean;
  readonly startMs: number;
  /** At least `startMs`. */
  readonly endMs: number;
  /** Columns. */
  readonly width: number;
  /** What ends with it. */
  readonly ending: 'sentence' | 'clause' | 'none';
}

/**
 * Words of a sentence, in order; together with their spaces they are its text. Where words have no times of their
 * own, the sentence's time is shared out by letters.
 * @param language Whisper's code, which helps to find words in scripts without spaces
 */
export function toSubtitleWords(segment: Segment, language: string): SubtitleWord[] {
  const text = toOneLine(segment.text);
  const units = splitUnits(text, language);
  const clock = new TextClock(text, segment);
  let earliestMs = 0;
  return units.map((unit, index) => {
    const startMs = Math.max(clock.startMs(unit.index), earliestMs);
    const endMs = Math.max(clock.endMs(unit.index + unit.text.length), startMs);
    earliestMs = startMs;
    return {
      text: unit.text,
      hasSpaceBefore: index === 0 || text[unit.index - 1] === ' ',
      startMs,
      endMs,
      width: textWidth(unit.text),
      ending: endingOf(unit.text, index === units.length - 1),
    };
  });
}

/** Full stops inside a sentence belong to abbreviations; whoever cut the sentences has looked at that. */
function endingOf(text: string, isLast: boolean): SubtitleWord['ending'] {
  if (TERMINAL.test(text) && (isLast || !FULL_STOP.test(text))) return 'sentence';
  return isLast || CLAUSE.test(text) ? 'clause' : 'none';
}

const CLOSING = '["\'”’»›)\\]」』）】]*$';
const TERMINAL = new RegExp(`[.!?…。！？｡．؟۔।॥։።၊။។]${CLOSING}`, 'u');
const FULL_STOP = new RegExp(`[.…]${CLOSING}`, 'u');
const CLAUSE = new RegExp(`(?:[,;:،؛、，；：]${CLOSING}|[—–]$)`, 'u');

/** A stretch of the text whose times are known. */
interface TimedSpan {
  readonly from: number;
  readonly to: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Tells the time at a place in the text. Places must be asked for in rising order. */
class TextClock {
  readonly #spans: readonly TimedSpan[];
  #next = 0;

  constructor(text: string, segment: Segment) {
    this.#spans = locateWords(text, segment) ?? [spanOf(0, text.length, segment)];
  }

  /** When the letter that begins at `position` begins. */
  startMs(position: number): number {
    this.#skip(position);
    const span = this.#spans[this.#next] ?? this.#spans.at(-1);
    return span === undefined ? 0 : timeWithin(span, position);
  }

  /** When the letter that ends at `position` ends. */
  endMs(position: number): number {
    this.#skip(position - 1);
    const span = this.#spans[this.#next];
    const isInside = span !== undefined && span.from < position;
    const last = isInside ? span : (this.#spans[this.#next - 1] ?? this.#spans[0]);
    return last === undefined ? 0 : timeWithin(last, position);
  }

  #skip(position: number): void {
    while ((this.#spans[this.#next]?.to ?? Number.POSITIVE_INFINITY) <= position) this.#next++;
  }
}

function timeWithin(span: TimedSpan, position: number): number {
  const share = (position - span.from) / (span.to - span.from);
  const ms = span.startMs + (span.endMs - span.startMs) * Math.min(1, Math.max(0, share));
  return Math.round(ms);
}

/** Null when there are no words, or when one of them is not in the text where it should be. */
function locateWords(text: string, segment: Segment): TimedSpan[] | null {
  const spans: TimedSpan[] = [];
  let position = 0;
  for (const word of segment.words) {
    const wordText = toOneLine(word.text);
    if (wordText === '') continue;
    const from = text.indexOf(wordText, position);
    if (from < 0) return null;
    position = from + wordText.length;
    spans.push(spanOf(from, position, word));
  }
  return spans.length === 0 ? null : spans;
}

function spanOf(
  from: number,
  to: number,
  time: { startSeconds: number; endSeconds: number },
): TimedSpan {
  const startMs = Math.max(0, Math.round(time.startSeconds * 1000));
  return { from, to, startMs, endMs: Math.max(startMs, Math.round(time.endSeconds * 1000)) };
}
