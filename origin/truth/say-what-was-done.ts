/** The sentences by which an answer says what the checks did to it. */
import type { TimeSpan } from '#shared/contracts/transcript.ts';

export function leftOutWarning(text: string, span: Readonly<TimeSpan>, reason: string): string {
  return `Text ${quoted(text)} at ${times(span)} was left out: ${reason}.`;
}

export function mayBeInventedWarning(
  text: string,
  span: Readonly<TimeSpan>,
  reason: string,
): string {
  return `Text ${quoted(text)} at ${times(span)} may be invented: ${reason}.`;
}

/** @param left stretches that had no second attempt */
export function unsearchedWarning(left: readonly Readonly<TimeSpan>[]): string {
  const [first] = left;
  const others = left.length > 1 ? ` and ${left.length - 1} more` : '';
  const where = first ? times(first) : 'no place';
  return `Speech at ${where}${others} has no words and was not decoded again: too much of it had none.`;
}

const LONGEST_QUOTE = 80;

function quoted(text: string): string {
  const letters = [...text.trim()];
  if (letters.length <= LONGEST_QUOTE) return `"${letters.join('')}"`;
  return `"${letters.slice(0, LONGEST_QUOTE).join('').trimEnd()}…"`;
}

function times({ startSeconds, endSeconds }: Readonly<TimeSpan>): string {
  return `${startSeconds.toFixed(1)}-${endSeconds.toFixed(1)} s`;
}
