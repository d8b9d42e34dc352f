/** Alignment, last step: the path through a chunk's emissions → its words with their times in the recording. */
import { borrowBorders, interpolate, type SeenSpan } from '#origin/align/ctc/interpolate.ts';
import { type PieceSpan, placePieces } from '#origin/align/ctc/place-pieces.ts';
import { type AlignmentPlan, emissionMatrix } from '#origin/align/ctc/plan.ts';
import { dropStragglers } from '#origin/align/ctc/stragglers.ts';
import type { AlignmentPath } from '#origin/align/ctc/trellis.ts';
import { completeEnds, type WordSpan, wordSpans } from '#origin/align/ctc/word-spans.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import type { CharacterTime } from '#shared/contracts/transcript.ts';

export interface ChunkAlignment {
  readonly words: AlignedWord[];
  /**
   * Mean probability of all signs found, 0..1; null where none was looked for, and the times given are the better
   * ones. A very low one says that the text was not spoken.
   */
  readonly meanScore: number | null;
}

export interface AlignedWordsOptions {
  readonly chunkStartSeconds: number;
  readonly chunkEndSeconds: number;
  /** Also give the times of characters. */
  readonly withCharacters: boolean;
}

/**
 * Words in order, `start ≤ end`, none before the end of the one before it, all within the chunk. `timing` is `aligned`
 * where signs of the word, or of the number's spoken form, were found, else `interpolated`. `characters` are letters
 * with their marks; digits, symbols and punctuation have no times.
 *
 * @param words of the plan, with the times that attention gave them; those guide words without any sign
 */
export function alignedWords(
  words: readonly AlignedWord[],
  { path, plan, emissions }: PlannedEmissions & { readonly path: AlignmentPath },
  options: AlignedWordsOptions,
): ChunkAlignment {
  const clock = new FrameClock(emissions.frameSamples, options);
  const matrix = emissionMatrix(emissions, plan);
  const pieceSpans = dropStragglers(plan, placePieces(plan, path, matrix));
  const seen = words.map((word) => clock.framesOf(word));
  const found = wordSpans(plan, pieceSpans);
  borrowBorders(found, seen);
  shortenImplausible(found, seen);
  completeEnds(found, matrix);
  const spans = interpolate(found, { letters: lettersOf(plan), seen, frames: emissions.frames });
  const characters = options.withCharacters ? characterTimes(plan, pieceSpans, clock) : null;
  let earliest = options.chunkStartSeconds;
  const timed = words.map((word, index) => {
    const span = spans[index]!;
    const startSeconds = Math.max(earliest, clock.secondsAt(span.startFrame));
    const endSeconds = Math.max(startSeconds, clock.secondsAt(span.endFrame));
    earliest = endSeconds;
    return {
      ...word,
      startSeconds,
      endSeconds,
      ...confidence(span),
      ...(characters ? { characters: characters[index]! } : {}),
    };
  });
  return { words: timed, meanScore: meanScore(spans) };
}

/** A plan and the engine's answer to its columns. */
export interface PlannedEmissions {
  readonly plan: AlignmentPlan;
  readonly emissions: {
    readonly logProbs: Float32Array;
    readonly frames: number;
    readonly frameSamples: number;
  };
}

const SAMPLE_RATE = 16_000;

/** Samples that one frame of a wav2vec2 model hears; it stands for the middle of them. */
const RECEPTIVE_SAMPLES = 400;

/** Frames of a chunk ↔ seconds of the recording. */
class FrameClock {
  readonly #frameSeconds: number;
  readonly #offsetSeconds: number;
  readonly #startSeconds: number;
  readonly #endSeconds: number;

  constructor(frameSamples: number, chunk: Omit<AlignedWordsOptions, 'withCharacters'>) {
    this.#frameSeconds = frameSamples / SAMPLE_RATE;
    this.#offsetSeconds = Math.max(0, RECEPTIVE_SAMPLES - frameSamples) / 2 / SAMPLE_RATE;
    this.#startSeconds = chunk.chunkStartSeconds;
    this.#endSeconds = Math.max(chunk.chunkStartSeconds, chunk.chunkEndSeconds);
  }

  secondsAt(frame: number): number {
    const seconds = this.#startSeconds + this.#offsetSeconds + frame * this.#frameSeconds;
    return Math.min(this.#endSeconds, seconds);
  }

  framesOf(word: { readonly startSeconds: number; readonly endSeconds: number }): SeenSpan {
    const origin = this.#startSeconds + this.#offsetSeconds;
    return {
      startFrame: (word.startSeconds - origin) / this.#frameSeconds,
      endFrame: (word.endSeconds - origin) / this.#frameSeconds,
    };
  }
}

/** What every word may take, however short, and what a letter takes of the slowest speakers. */
const SLOW_WORD_FRAMES = 20;
const SLOW_LETTER_FRAMES = 12;

/**
 * A word of wildcards alone takes all that is spoken between its neighbours, also what nobody wrote. Where that is too
 * long for it, the part that the attention saw is kept.
 */
function shortenImplausible(spans: readonly (WordSpan | null)[], seen: readonly SeenSpan[]): void {
  spans.forEach((span, index) => {
    if (span === null || span.signs > 0) return;
    const longest = SLOW_WORD_FRAMES + SLOW_LETTER_FRAMES * span.letters;
    if (span.endFrame - span.startFrame <= longest) return;
    const start = Math.max(span.startFrame, seen[index]!.startFrame);
    const end = Math.min(span.endFrame, seen[index]!.endFrame);
    if (end - start >= 1) [span.startFrame, span.endFrame] = [start, end];
  });
}

function lettersOf(plan: AlignmentPlan): number[] {
  const letters = plan.characters.map(() => 0);
  for (const piece of plan.pieces) letters[piece.word]! += piece.letters;
  return letters;
}

function confidence({ signs, probabilitySum }: WordSpan): Partial<AlignedWord> {
  return signs === 0
    ? { timing: 'interpolated' }
    : { timing: 'aligned', alignmentScore: probabilitySum / signs };
}

function meanScore(spans: readonly WordSpan[]): number | null {
  const signs = spans.reduce((sum, span) => sum + span.signs, 0);
  if (signs === 0) return null;
  return spans.reduce((sum, span) => sum + span.probabilitySum, 0) / signs;
}

function characterTimes(
  plan: AlignmentPlan,
  pieceSpans: readonly (PieceSpan | null)[],
  clock: FrameClock,
): CharacterTime[][] {
  const spanOf = plan.characters.map(() => new Map<number, PieceSpan>());
  plan.pieces.forEach(({ word, character, isKnown }, index) => {
    const span = pieceSpans[index];
    if (isKnown && span) spanOf[word]!.set(character, span);
  });
  return plan.characters.map((characters, word) =>
    characters.flatMap((text, index) => {
      const span = spanOf[word]!.get(index);
      return span ? [timedCharacter(text, span, clock)] : Array.from(text, untimedCharacter);
    }),
  );
}

function timedCharacter(text: string, span: PieceSpan, clock: FrameClock): CharacterTime {
  return {
    text,
    startSeconds: clock.secondsAt(span.startFrame),
    endSeconds: clock.secondsAt(span.endFrame),
    score: span.probabilitySum / span.signs,
  };
}

function untimedCharacter(text: string): CharacterTime {
  return { text, startSeconds: null, endSeconds: null, score: null };
}
