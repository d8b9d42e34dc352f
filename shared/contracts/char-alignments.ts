/** The characters of a sentence with their times, as whisperX's `return_char_alignments` gives them. */
import { z } from 'zod';
import { toMilli } from '#shared/contracts/milli.ts';
import type { CharacterTime, Segment, Word } from '#shared/contracts/transcript.ts';

export const TranscriptionChar = z.object({
  char: z.string(),
  start: z.number().optional(),
  end: z.number().optional(),
  score: z.number().optional().describe('Probability, 0 to 1.'),
});
export type TranscriptionChar = z.infer<typeof TranscriptionChar>;

/**
 * Every character of the sentence in order, spaces included; those that the aligner has no sign for stand without
 * times. Undefined when no word of it brought characters.
 */
export function toChars({ text, words }: Segment): TranscriptionChar[] | undefined {
  if (words.every(({ characters }) => characters === undefined)) return undefined;
  const chars: TranscriptionChar[] = [];
  let position = 0;
  for (const word of words) {
    const start = text.indexOf(word.text, position);
    if (start >= 0) {
      chars.push(...withoutTimes(text.slice(position, start)));
      position = start + word.text.length;
    }
    chars.push(...charsOf(word));
  }
  chars.push(...withoutTimes(text.slice(position)));
  return chars;
}

function charsOf({ text, characters }: Word): TranscriptionChar[] {
  const isWhole = characters?.map((character) => character.text).join('') === text;
  return isWhole ? characters.map(toChar) : withoutTimes(text);
}

function toChar({ text, startSeconds, endSeconds, score }: CharacterTime): TranscriptionChar {
  return {
    char: text,
    ...(startSeconds !== null && { start: toMilli(startSeconds) }),
    ...(endSeconds !== null && { end: toMilli(endSeconds) }),
    ...(score !== null && { score: toMilli(score) }),
  };
}

function withoutTimes(text: string): TranscriptionChar[] {
  return Array.from(text, (char) => ({ char }));
}
