/**
 * The words of a chunk → the signs to look for in it. Everything that is spoken gets a target: a letter its sign, and
 * what the model has no sign for (digits, symbols, foreign scripts) one wildcard for as long as it lasts. Digits also
 * get the ways in which they may have been said, to be tried within the wildcard's stretch once that is known: a wrong
 * guess ("two thousand" for "twenty") can then never push the words around it. Punctuation has no target.
 */
import type { NumberSpeller } from '#origin/align/ctc/number-words.ts';
import { type Sounding, soundingOf } from '#origin/align/ctc/signs.ts';
import { NUMBER, spokenNumbers } from '#origin/align/ctc/spoken-numbers.ts';
import type { AlignmentTargets, EmissionMatrix } from '#origin/align/ctc/trellis.ts';
import type { SignVocabulary } from '#origin/align/ctc/vocabulary.ts';
import { startsUnspaced } from '#origin/align/unspaced-scripts.ts';
import type { AlignedWord } from '#origin/align/words.ts';

export interface AlignmentPlan {
  /** Token ids to ask the engine for: the blank, the delimiter where there is one, each sign once. */
  readonly columns: readonly number[];
  readonly delimiterColumn: number | null;
  readonly targets: AlignmentTargets;
  /** What is spoken, in order. */
  readonly pieces: readonly Piece[];
  /** Characters of each word, with their marks: together they are its text. */
  readonly characters: readonly (readonly string[])[];
  /** Share of what is spoken that has signs, 0..1, weighted by length; 0 where nothing is spoken. */
  readonly knownShare: number;
}

/** A letter, a number or a symbol of a word. */
export interface Piece {
  readonly word: number;
  /** Its place among the word's characters. */
  readonly character: number;
  /** Its target. Neighbours without a sign share one; a letter may have several (ß → s s). */
  readonly firstTarget: number;
  readonly endTarget: number;
  /** False: its target is the wildcard. */
  readonly isKnown: boolean;
  /** Length when spoken, in letters. */
  readonly letters: number;
  /** How it may have been said, likeliest first. Only where it is not known. */
  readonly spellings: readonly AlignmentTargets[];
}

export interface PlanOptions {
  /** Whisper's code. */
  readonly language: string;
  /** Absent or null: numbers stay wildcards. */
  readonly speller?: NumberSpeller | null;
}

/** Plans the alignment of a chunk's words. Words without anything spoken have no pieces. */
export function planAlignment(
  words: readonly Pick<AlignedWord, 'text' | 'spaceBefore'>[],
  vocabulary: SignVocabulary,
  options: PlanOptions,
): AlignmentPlan {
  const draft = new PlanDraft(vocabulary, options);
  words.forEach((word, index) => {
    draft.addWord(word, index);
  });
  return draft.finish();
}

/** The engine's answer to the plan's columns, as `forcedAlign` takes it. */
export function emissionMatrix(
  emissions: { readonly logProbs: Float32Array; readonly frames: number },
  plan: AlignmentPlan,
): EmissionMatrix {
  return {
    logProbs: emissions.logProbs,
    frames: emissions.frames,
    width: plan.columns.length + 1,
    blankColumn: 0,
    delimiterColumn: plan.delimiterColumn,
  };
}

/** Stands for the wildcard's column until the number of columns is known. */
const WILDCARD = -1;

/** Combining marks, and the voicing marks of half width kana. */
const MARK = '[\\p{M}\\uff9e\\uff9f]';

/** A number, or a character with its marks. */
const CHARACTERS = new RegExp(`${NUMBER.source}|${MARK}+|.${MARK}*`, 'gsu');
const BEGINS_NUMBER = /^\p{Nd}/u;

/** "26" is "twenty six". */
const LETTERS_OF_DIGIT = 4;
/** "percent", "dollars". */
const LETTERS_OF_SYMBOL = 6;
/** A syllable. */
const LETTERS_OF_UNSPACED = 2;

/** A text longer than a chunk can hold is hostile; its end stays unaligned. */
const MAX_PIECES = 20_000;

class PlanDraft {
  readonly #vocabulary: SignVocabulary;
  readonly #options: PlanOptions;
  readonly #columns: number[];
  readonly #columnOfId = new Map<number, number>();
  readonly #soundings = new Map<string, Sounding>();
  readonly #targets: number[] = [];
  readonly #boundaries: number[] = [];
  readonly #pieces: Piece[] = [];
  readonly #characters: string[][] = [];
  #isBoundary = true;

  constructor(vocabulary: SignVocabulary, options: PlanOptions) {
    this.#vocabulary = vocabulary;
    this.#options = options;
    const { blankId, wordDelimiterId } = vocabulary;
    this.#columns = wordDelimiterId === null ? [blankId] : [blankId, wordDelimiterId];
  }

  addWord({ text, spaceBefore }: Pick<AlignedWord, 'text' | 'spaceBefore'>, word: number): void {
    const characters = Array.from(text.matchAll(CHARACTERS));
    this.#characters.push(characters.map(([character]) => character));
    if (spaceBefore) this.#isBoundary = true;
    characters.forEach(([part], character) => {
      if (this.#pieces.length >= MAX_PIECES) return;
      if (BEGINS_NUMBER.test(part)) {
        this.#addUnknown(part, { word, character }, characters[character + 1]?.[0] ?? '');
      } else this.#addCharacter(part, { word, character });
    });
  }

  finish(): AlignmentPlan {
    const wildcard = this.#columns.length;
    const withWildcard = ({ columns, boundaries }: AlignmentTargets): AlignmentTargets => ({
      columns: columns.map((column) => (column === WILDCARD ? wildcard : column)),
      boundaries,
    });
    const letters = (pieces: readonly Piece[]): number =>
      pieces.reduce((sum, piece) => sum + piece.letters, 0);
    const all = letters(this.#pieces);
    return {
      columns: this.#columns,
      delimiterColumn: this.#vocabulary.wordDelimiterId === null ? null : 1,
      targets: withWildcard(toTargets(this.#targets, [...this.#boundaries, 1])),
      pieces: this.#pieces,
      characters: this.#characters,
      knownShare: all === 0 ? 0 : letters(this.#pieces.filter(({ isKnown }) => isKnown)) / all,
    };
  }

  #addCharacter(part: string, place: Pick<Piece, 'word' | 'character'>): void {
    const sounding = this.#sounding(part);
    if (sounding.kind === 'boundary') this.#isBoundary = true;
    else if (sounding.kind === 'unknown') this.#addUnknown(part, place, '');
    else if (sounding.kind === 'signs') {
      const firstTarget = this.#targets.length;
      for (const id of sounding.ids) this.#addTarget(this.#column(id));
      this.#pieces.push({
        ...place,
        firstTarget,
        endTarget: this.#targets.length,
        isKnown: true,
        letters: lettersOf(part),
        spellings: [],
      });
    }
  }

  #addUnknown(part: string, place: Pick<Piece, 'word' | 'character'>, after: string): void {
    if (this.#targets.at(-1) !== WILDCARD) this.#addTarget(WILDCARD);
    this.#pieces.push({
      ...place,
      firstTarget: this.#targets.length - 1,
      endTarget: this.#targets.length,
      isKnown: false,
      letters: lettersOf(part),
      spellings: BEGINS_NUMBER.test(part) ? this.#spellings(part, after) : [],
    });
  }

  #addTarget(column: number): void {
    this.#targets.push(column);
    this.#boundaries.push(this.#isBoundary ? 1 : 0);
    this.#isBoundary = false;
  }

  #column(id: number): number {
    const known = this.#columnOfId.get(id);
    if (known !== undefined) return known;
    this.#columns.push(id);
    this.#columnOfId.set(id, this.#columns.length - 1);
    return this.#columns.length - 1;
  }

  #sounding(part: string): Sounding {
    const known = this.#soundings.get(part);
    if (known !== undefined) return known;
    const sounding = soundingOf(part, this.#vocabulary, this.#options.language);
    this.#soundings.set(part, sounding);
    return sounding;
  }

  /** Spoken forms, and the digits themselves for models that write them. */
  #spellings(number: string, after: string): AlignmentTargets[] {
    const { speller, language } = this.#options;
    const spoken = speller ? spokenNumbers(number, { after, language, speller }) : [];
    const forms = spoken.map((words) => Array.from(words.matchAll(CHARACTERS), ([part]) => part));
    return [...forms, Array.from(number)]
      .map((parts) => this.#spelling(parts))
      .filter((targets) => targets !== null);
  }

  /** Null where the model lacks a sign for a letter of it. */
  #spelling(parts: readonly string[]): AlignmentTargets | null {
    const columns: number[] = [];
    const boundaries: number[] = [];
    let isBoundary = true;
    const soundings = parts.map((part) => this.#sounding(part));
    if (soundings.some(({ kind }) => kind === 'unknown')) return null;
    for (const sounding of soundings) {
      if (sounding.kind === 'boundary') isBoundary = true;
      for (const id of sounding.kind === 'signs' ? sounding.ids : []) {
        columns.push(this.#column(id));
        boundaries.push(isBoundary ? 1 : 0);
        isBoundary = false;
      }
    }
    return columns.length === 0 ? null : toTargets(columns, [...boundaries, 1]);
  }
}

function toTargets(columns: readonly number[], boundaries: readonly number[]): AlignmentTargets {
  return { columns: Int32Array.from(columns), boundaries: Uint8Array.from(boundaries) };
}

function lettersOf(part: string): number {
  if (BEGINS_NUMBER.test(part)) return LETTERS_OF_DIGIT * (part.match(/\p{Nd}/gu)?.length ?? 1);
  if (startsUnspaced(part)) return LETTERS_OF_UNSPACED;
  return /\p{L}/u.test(part) ? 1 : LETTERS_OF_SYMBOL;
}
