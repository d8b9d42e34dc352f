/** SubRip: numbered subtitles. There is no standard for it; this writes what players agree upon. */
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import { type Cue, type CueWord, makeCues, textOfLine } from '#shared/format/cues.ts';
import type { SubtitleOptions } from '#shared/format/options.ts';
import { speakerLabel } from '#shared/format/speaker-label.ts';
import { timestamp } from '#shared/format/timestamp.ts';

/**
 * Writes subtitles that never overlap. With speakers each begins with `[SPEAKER_00]: `, as whisperX writes them. With
 * `highlightWords` each word is underlined while it is spoken, which takes a subtitle of its own per word.
 */
export function writeSrt(transcript: AnyTranscript, options: SubtitleOptions): string {
  const cues = makeCues(transcript, { ...options, labelOf: speakerLabel, allowsOverlap: false });
  const blocks = options.highlightWords ? cues.flatMap(highlight) : cues.map((cue) => ({ ...cue }));
  return blocks.map(writeBlock).join('');
}

type Block = Cue & { readonly marked?: CueWord };

function writeBlock({ startMs, endMs, lines, marked }: Block, index: number): string {
  const text = lines.map((line) =>
    textOfLine(line, (word) =>
      word === marked ? `<u>${neutralize(word.text)}</u>` : neutralize(word.text),
    ),
  );
  const times = `${timestamp(startMs, ',')} --> ${timestamp(endMs, ',')}`;
  return `${index + 1}\n${times}\n${text.join('\n')}\n\n`;
}

/**
 * SubRip has no escapes, and players take tags and `{\…}` for styles: what looks like one gets another bracket, and
 * so does an arrow that could be taken for a line of times.
 */
function neutralize(text: string): string {
  return text
    .replaceAll('-->', '--›')
    .replaceAll(/<(?=[\p{L}/!?]|$)/gu, '‹')
    .replaceAll(/\{(?=\\|$)/g, '(');
}

/** The subtitle once per word, and without a mark in the pauses between. */
function highlight(cue: Cue): Block[] {
  const blocks: Block[] = [];
  let fromMs = cue.startMs;
  const show = (untilMs: number, marked?: CueWord) => {
    const endMs = Math.min(untilMs, cue.endMs);
    if (endMs <= fromMs) return;
    blocks.push({ ...cue, startMs: fromMs, endMs, ...(marked !== undefined && { marked }) });
    fromMs = endMs;
  };
  for (const word of cue.lines.flat().filter(({ isLabel }) => isLabel !== true)) {
    show(word.startMs);
    show(word.endMs, word);
  }
  show(cue.endMs);
  return blocks;
}
