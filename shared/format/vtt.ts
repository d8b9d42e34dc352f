/**
 * WebVTT, which browsers show over audio and video.
 * Source: https://www.w3.org/TR/webvtt1/
 */
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import { type Cue, type CueWord, makeCues, textOfLine } from '#shared/format/cues.ts';
import type { SubtitleOptions } from '#shared/format/options.ts';
import { toOneLine } from '#shared/format/scripts.ts';
import { timestamp } from '#shared/format/timestamp.ts';

/**
 * Writes cues with `<v Speaker>` where speakers are known; those who talk at once are shown at once. With
 * `highlightWords` each word has the time when it begins, so that `::cue(:past)` and `::cue(:future)` can style it.
 */
export function writeVtt(transcript: AnyTranscript, options: SubtitleOptions): string {
  const cues = makeCues(transcript, { ...options, allowsOverlap: true });
  return `WEBVTT\n\n${cues.map((cue) => writeCue(cue, options)).join('')}`;
}

function writeCue(cue: Cue, { highlightWords }: SubtitleOptions): string {
  const write = highlightWords ? withTimes(cue) : ({ text }: CueWord) => escapeVtt(text);
  const text = cue.lines.map((line) => textOfLine(line, write)).join('\n');
  const voice = cue.speaker === undefined ? '' : `<v ${escapeVtt(toOneLine(cue.speaker))}>`;
  const times = `${timestamp(cue.startMs, '.')} --> ${timestamp(cue.endMs, '.')}`;
  return `${times}\n${voice}${text}\n\n`;
}

/** Times inside a cue must rise, and lie between its start and its end. */
function withTimes(cue: Cue): (word: CueWord) => string {
  let lastMs = cue.startMs;
  return ({ text, startMs }) => {
    if (startMs <= lastMs || startMs >= cue.endMs) return escapeVtt(text);
    lastMs = startMs;
    return `<${timestamp(startMs, '.')}>${escapeVtt(text)}`;
  };
}

/** No text can end a tag, begin one, or look like a line of times. */
function escapeVtt(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
