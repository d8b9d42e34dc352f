import { framesPerLetter, type WordSpan } from '#origin/align/ctc/word-spans.ts';

/** Where the decoder's attention saw a word, in frames of the emissions. */
export interface SeenSpan {
  readonly startFrame: number;
  readonly endFrame: number;
}

/**
 * Gives words that have no place one between their neighbours: where the attention saw them, if that lies between
 * the neighbours; else from the neighbour before on, each as long as its letters at the chunk's speed, shortened in
 * proportion where there is less room. Words of punctuation take no time.
 *
 * @param letters of each word when spoken; 0 for punctuation
 * @returns the spans given, and new ones in the place of nulls
 */
export function interpolate(
  spans: readonly (WordSpan | null)[],
  {
    letters,
    seen,
    frames,
  }: { letters: readonly number[]; seen: readonly SeenSpan[]; frames: number },
): WordSpan[] {
  const rate = framesPerLetter(spans) ?? USUAL_FRAMES_PER_LETTER;
  const filled: WordSpan[] = [];
  while (filled.length < spans.length) {
    const span = spans[filled.length];
    if (span) {
      filled.push(span);
      continue;
    }
    const first = filled.length;
    const next = spans.findIndex((other, index) => index > first && other !== null);
    const end = next === -1 ? spans.length : next;
    const room = {
      startFrame: filled.at(-1)?.endFrame ?? 0,
      endFrame: spans[end]?.startFrame ?? frames,
    };
    const lengths = letters.slice(first, end).map((count) => count * rate);
    const places = seenPlaces(seen.slice(first, end), lengths, room);
    const isFirst = first === 0 && end < spans.length;
    filled.push(...(places ?? inProportion(lengths, room, isFirst)));
  }
  return filled;
}

/** 80 ms, an easy pace. */
const USUAL_FRAMES_PER_LETTER = 4;

/**
 * Words without signs that share a stretch of speech meet where the attention saw them meet, if it saw each of them in
 * the stretch; their length is the poorer guide. The outer ends stay, since the emissions show them.
 *
 * @param spans changed in place
 */
export function borrowBorders(
  spans: readonly (WordSpan | null)[],
  seen: readonly SeenSpan[],
): void {
  let first = 0;
  while (first < spans.length) {
    let end = first + 1;
    if (spans[first]?.signs === 0) {
      while (end < spans.length && spans[end]?.signs === 0) end++;
      if (end - first > 1) moveBorders(spans.slice(first, end), seen.slice(first, end));
    }
    first = end;
  }
}

function moveBorders(run: readonly (WordSpan | null)[], seen: readonly SeenSpan[]): void {
  const words = run.filter((span) => span !== null);
  const room = { startFrame: words[0]!.startFrame, endFrame: words.at(-1)!.endFrame };
  const lengths = words.map(({ letters }) => letters);
  const places = seenPlaces(seen, lengths, room);
  if (places === null) return;
  words.forEach((word, index) => {
    if (index > 0) word.startFrame = places[index]!.startFrame;
    if (index < words.length - 1) word.endFrame = places[index]!.endFrame;
  });
}

function seenPlaces(
  seen: readonly SeenSpan[],
  lengths: readonly number[],
  room: SeenSpan,
): WordSpan[] | null {
  const places = seen.map(({ startFrame, endFrame }, index) => {
    const start = clamp(startFrame, room);
    const end = lengths[index] === 0 ? start : clamp(endFrame, room);
    return emptySpan(start, end);
  });
  const isPlausible = places.every(({ startFrame, endFrame }, index) => {
    const before = places[index - 1]?.endFrame ?? room.startFrame;
    const isInside =
      lengths[index] === 0 ? seen[index]!.startFrame <= room.endFrame : endFrame - startFrame >= 1;
    return isInside && startFrame >= before;
  });
  return isPlausible ? places : null;
}

function clamp(frame: number, { startFrame, endFrame }: SeenSpan): number {
  return Math.min(endFrame, Math.max(startFrame, frame));
}

/** Side by side from the room's start, or up to its end for the words before the first with a place. */
function inProportion(
  lengths: readonly number[],
  room: SeenSpan,
  isBeforeAll: boolean,
): WordSpan[] {
  const wanted = lengths.reduce((sum, length) => sum + length, 0);
  const size = Math.max(0, room.endFrame - room.startFrame);
  const scale = wanted > size ? size / wanted : 1;
  let at = isBeforeAll ? room.endFrame - wanted * scale : room.startFrame;
  return lengths.map((length) => {
    const start = at;
    at += length * scale;
    return emptySpan(start, at);
  });
}

function emptySpan(startFrame: number, endFrame: number): WordSpan {
  return { startFrame, endFrame, signs: 0, probabilitySum: 0, letters: 0, lastSignFrame: null };
}
