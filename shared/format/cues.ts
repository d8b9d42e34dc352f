/** A transcript → subtitles with their lines, before any format's own way of writing. */
import type { AnyTranscript, Segment } from '#shared/contracts/transcript.ts';
import { breakLines, type LineWord } from '#shared/format/break-lines.ts';
import { cutCues } from '#shared/format/cut-cues.ts';
import type { SubtitleOptions } from '#shared/format/options.ts';
import { needsSpace } from '#shared/format/scripts.ts';
import { arrange } from '#shared/format/show-times.ts';
import { type SubtitleWord, toSubtitleWords } from '#shared/format/subtitle-words.ts';
import { textWidth } from '#shared/format/text-width.ts';

/** What is on the screen at a time. */
export interface Cue {
  readonly startMs: number;
  /** After `startMs`. */
  readonly endMs: number;
  readonly speaker?: string;
  readonly lines: readonly (readonly CueWord[])[];
}

/** A word, or the speaker's label (`isLabel`), which is not spoken. */
export type CueWord = SubtitleWord & { readonly isLabel?: boolean };

export interface CueStyle extends SubtitleOptions {
  /** The text that names a speaker before every subtitle; absent where a format has other means. */
  readonly labelOf?: (speaker: string) => string;
  /** Speakers who talk at once are shown at once. Else nothing overlaps. */
  readonly allowsOverlap: boolean;
}

/** Subtitles in order of their start. Those of one speaker never overlap. */
export function makeCues(transcript: AnyTranscript, style: CueStyle): Cue[] {
  const durationMs = Math.round(transcript.durationSeconds * 1000);
  const cues = inTextOrder(toRuns(transcript).flatMap((run) => cutRun(run, style)));
  if (!style.allowsOverlap) return arrange(cues, durationMs);
  const bySpeaker = Map.groupBy(cues, ({ speaker }) => speaker ?? '');
  const arranged = [...bySpeaker.values()].flatMap((own) => arrange(own, durationMs));
  return arranged.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}

/** The words of a line with the spaces between them. */
export function textOfLine(line: readonly CueWord[], write: (word: CueWord) => string): string {
  return line
    .map((word, index) => (index > 0 && word.hasSpaceBefore ? ' ' : '') + write(word))
    .join('');
}

/** Nothing a speaker says begins before what the text has earlier, so that ordering by time keeps the text. */
function inTextOrder<Item extends { startMs: number; speaker?: string }>(items: Item[]): Item[] {
  const latest = new Map<string, number>();
  return items.map((item) => {
    const key = item.speaker ?? '';
    const startMs = Math.max(item.startMs, latest.get(key) ?? 0);
    latest.set(key, startMs);
    return { ...item, startMs };
  });
}

/** What one speaker says before another does. */
interface Run {
  readonly speaker?: string;
  readonly words: SubtitleWord[];
}

function toRuns({ segments, language }: AnyTranscript): Run[] {
  const runs: Run[] = [];
  for (const segment of segments) {
    const words = toSubtitleWords(segment, segment.language ?? language);
    const run = runs.at(-1);
    if (run === undefined || run.speaker !== segment.speaker) {
      runs.push(startRun(segment, words));
    } else {
      run.words.push(...continueText(run.words.at(-1), words));
    }
  }
  return runs;
}

function startRun({ speaker }: Segment, words: SubtitleWord[]): Run {
  return { words, ...(speaker !== undefined && { speaker }) };
}

function continueText(before: SubtitleWord | undefined, words: SubtitleWord[]): SubtitleWord[] {
  const [first, ...rest] = words;
  if (first === undefined || before === undefined) return words;
  return [{ ...first, hasSpaceBefore: needsSpace(before.text, first.text) }, ...rest];
}

function cutRun(run: Run, style: CueStyle) {
  const { maxLineWidth, maxLineCount, maxWordsPerLine = Number.POSITIVE_INFINITY } = style;
  const label = run.speaker === undefined ? undefined : style.labelOf?.(run.speaker);
  const labelWord = label === undefined ? [] : [toLabel(label)];
  const limits = { maxLineWidth, maxLineCount, maxWordsPerLine };
  const cues = cutCues(run.words, {
    ...limits,
    ...(labelWord[0] !== undefined && { label: labelWord[0] }),
  });
  return cues.map((words) => ({
    startMs: words[0]?.startMs ?? 0,
    endMs: words.reduce((latest, { endMs }) => Math.max(latest, endMs), 0),
    columns: words.reduce((sum, { width }) => sum + width + 1, 0),
    ...(run.speaker !== undefined && { speaker: run.speaker }),
    lines: breakLines<CueWord>([...labelWord, ...words], limits),
  }));
}

function toLabel(text: string): CueWord & LineWord {
  const times = { startMs: 0, endMs: 0 };
  return {
    text,
    width: textWidth(text),
    hasSpaceBefore: false,
    ending: 'none',
    isLabel: true,
    ...times,
  };
}
