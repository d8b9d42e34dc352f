/** The formats with one line per sentence or utterance. */
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import { toUtterances } from '#shared/contracts/utterances.ts';
import { toOneLine } from '#shared/format/scripts.ts';
import { speakerLabel } from '#shared/format/speaker-label.ts';

/** The text; with speakers a line per utterance, which begins with `[SPEAKER_00]: `. */
export function writeText(transcript: AnyTranscript): string {
  const { segments, text } = transcript;
  if (segments.every(({ speaker }) => speaker === undefined)) return toLines([toOneLine(text)]);
  return toLines(
    toUtterances(segments).map((utterance) => {
      const said = toOneLine(utterance.text);
      return utterance.speaker === undefined ? said : `${speakerLabel(utterance.speaker)} ${said}`;
    }),
  );
}

/** Sentences with their times in milliseconds, as whisper writes them; with speakers a fourth column. */
export function writeTsv({ segments }: AnyTranscript): string {
  const hasSpeakers = segments.some(({ speaker }) => speaker !== undefined);
  const rows = segments.map(({ startSeconds, endSeconds, text, speaker }) => [
    String(Math.round(startSeconds * 1000)),
    String(Math.round(endSeconds * 1000)),
    toOneLine(text),
    ...(hasSpeakers ? [toOneLine(speaker ?? '')] : []),
  ]);
  const head = ['start', 'end', 'text', ...(hasSpeakers ? ['speaker'] : [])];
  return toLines([head, ...rows].map((row) => row.join('\t')));
}

/** Labels for Audacity: seconds, and the speaker in double brackets, as whisperX writes them. */
export function writeAudacity({ segments }: AnyTranscript): string {
  return toLines(
    segments.map(({ startSeconds, endSeconds, text, speaker }) => {
      const name = speaker === undefined ? '' : `[[${toOneLine(speaker)}]]`;
      return `${startSeconds.toFixed(3)}\t${endSeconds.toFixed(3)}\t${name}${toOneLine(text)}`;
    }),
  );
}

function toLines(lines: readonly string[]): string {
  return lines.map((line) => (line === '' && lines.length === 1 ? '' : `${line}\n`)).join('');
}
