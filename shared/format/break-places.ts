/** Where a line may be broken: at spaces, and between words in scripts that write none. */
import { hasUnspaced } from '#shared/format/scripts.ts';

/** Text that stays on one line, and where it begins. */
export interface Unit {
  readonly text: string;
  readonly index: number;
}

/**
 * Cuts a text without line breaks. Marks that may not begin a line (`。`, `」`, small kana, the French `!` after a
 * space) stay with what is before them, opening brackets with what follows.
 * @param language Whisper's code
 */
export function splitUnits(text: string, language: string): Unit[] {
  const units: Unit[] = [];
  for (const match of text.matchAll(/\S+/g)) {
    const last = units.at(-1);
    if (last !== undefined && LONE_MARKS.test(match[0])) {
      units[units.length - 1] = { ...last, text: text.slice(last.index, match.index) + match[0] };
    } else if (hasUnspaced(match[0])) {
      units.push(...splitUnspaced(match[0], match.index, language));
    } else {
      units.push({ text: match[0], index: match.index });
    }
  }
  return units;
}

const LONE_MARKS = /^[!?;:%»›…]+$/u;

function splitUnspaced(text: string, offset: number, language: string): Unit[] {
  const units: Unit[] = [];
  let isOpen = false;
  for (const { segment, index } of segmentWords(text, language)) {
    const last = units.at(-1);
    if (
      last !== undefined &&
      (isOpen || NEVER_FIRST.test(segment) || isEnding(segment, last.text))
    ) {
      units[units.length - 1] = { ...last, text: last.text + segment };
    } else {
      units.push({ text: segment, index: offset + index });
    }
    isOpen = OPENING.test(segment);
  }
  return units;
}

/** Closing brackets and punctuation, small kana, the long vowel and iteration marks, vowel signs. */
const NEVER_FIRST =
  /^(?:[\p{Pe}\p{Pf}\p{Po}\p{Pd}\p{M}\u0e33\u0eb3\u0e46ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々ゝゞヽヾ～〜])/u;
const OPENING = /[\p{Ps}\p{Pi}]$/u;

/** Japanese endings and particles are words of their own to the segmenter, but lines do not begin with them. */
function isEnding(segment: string, before: string): boolean {
  const isShort = before.length + segment.length <= MAX_PHRASE_LETTERS;
  return isShort && HIRAGANA.test(segment) && /[\p{L}\p{N}]$/u.test(before);
}

/** Ten columns, which the narrowest line has. */
const MAX_PHRASE_LETTERS = 5;
const HIRAGANA = /^\p{Script=Hiragana}+$/u;

interface WordPiece {
  readonly segment: string;
  readonly index: number;
}

/** Without `Intl.Segmenter`: between any two letters of such a script. */
function segmentWords(text: string, language: string): Iterable<WordPiece> {
  const segmenter = segmenterFor(language);
  if (segmenter !== null) return segmenter.segment(text);
  return Array.from(text.matchAll(LETTERS), (match) => ({ segment: match[0], index: match.index }));
}

const LETTERS =
  /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}\p{M}]+|[^\p{M}]\p{M}*|\p{M}+/gu;

const segmenters = new Map<string, Intl.Segmenter | null>();

function segmenterFor(language: string): Intl.Segmenter | null {
  let segmenter = segmenters.get(language);
  if (segmenter === undefined) {
    segmenter = makeSegmenter(language);
    segmenters.set(language, segmenter);
  }
  return segmenter;
}

/** Some runtimes have none, whatever their types say; Whisper's codes may not be codes of theirs. */
function makeSegmenter(language: string): Intl.Segmenter | null {
  const { Segmenter }: Partial<typeof Intl> = Intl;
  if (Segmenter === undefined) return null;
  try {
    return new Segmenter(language, { granularity: 'word' });
  } catch {
    return new Segmenter(undefined, { granularity: 'word' });
  }
}
