/** The frames of pieces → the frames of words. */
import type { PieceSpan } from '#origin/align/ctc/place-pieces.ts';
import type { AlignmentPlan } from '#origin/align/ctc/plan.ts';
import type { EmissionMatrix } from '#origin/align/ctc/trellis.ts';

/** A word's place in the chunk, changed while it is found. Frames may be fractions. */
export interface WordSpan {
  startFrame: number;
  endFrame: number;
  /** Found signs and the sum of their probabilities. */
  signs: number;
  probabilitySum: number;
  /** Length when spoken, in letters; 0 for a word of punctuation. */
  letters: number;
  /** Where the last sign begins; null when the word does not end with one. */
  lastSignFrame: number | null;
}

/** From the first to the last piece of each word; null for words without a place of their own. */
export function wordSpans(
  plan: AlignmentPlan,
  pieceSpans: readonly (PieceSpan | null)[],
): (WordSpan | null)[] {
  const spans: (WordSpan | null)[] = plan.characters.map(() => null);
  plan.pieces.forEach(({ word, letters }, index) => {
    const piece = pieceSpans[index] ?? null;
    if (piece === null) return;
    const span = spans[word] ?? { ...NOWHERE, startFrame: piece.startFrame };
    span.endFrame = piece.endFrame;
    span.signs += piece.signs;
    span.probabilitySum += piece.probabilitySum;
    span.letters += letters;
    span.lastSignFrame = piece.signs === 1 ? piece.startFrame : null;
    spans[word] = span;
  });
  return spans;
}

const NOWHERE: WordSpan = {
  startFrame: 0,
  endFrame: 0,
  signs: 0,
  probabilitySum: 0,
  letters: 0,
  lastSignFrame: null,
};

/**
 * CTC marks a sound where the model is sure of it, for a frame or two, and the rest of the sound is blank: a word
 * would end in the middle of its last sound. The mark is taken for the middle, and the sound for as long as the word's
 * signs are apart. The end does not pass the next word, the delimiter or anything else that is spoken, and moves by
 * at most 0.1 s, since nothing shows a long last sound.
 */
export function completeEnds(spans: readonly (WordSpan | null)[], emissions: EmissionMatrix): void {
  const usual = framesPerLetter(spans);
  let limit = emissions.frames;
  for (const span of spans.toReversed()) {
    if (span === null) continue;
    if (span.lastSignFrame !== null) {
      const held = span.endFrame - span.lastSignFrame;
      const spacing =
        span.signs > 1
          ? (span.lastSignFrame - span.startFrame) / (span.signs - 1)
          : (usual ?? held);
      const more = Math.min(MAX_MORE_FRAMES, Math.round((spacing - held) / 2));
      const last = Math.min(limit, span.endFrame + more);
      while (span.endFrame < last && isBlank(emissions, span.endFrame)) span.endFrame++;
    }
    limit = span.startFrame;
  }
}

const MAX_MORE_FRAMES = 5;

/** Median over the words of several signs: the length of a sound in this chunk. Null where there are none. */
export function framesPerLetter(spans: readonly (WordSpan | null)[]): number | null {
  const rates = spans
    .filter((span) => span !== null)
    .filter(({ signs }) => signs > 1)
    .map(({ startFrame, endFrame, letters }) => (endFrame - startFrame) / letters)
    .toSorted((a, b) => a - b);
  return rates[rates.length >> 1] ?? null;
}

function isBlank({ logProbs, width, blankColumn }: EmissionMatrix, frame: number): boolean {
  return logProbs[frame * width + blankColumn]! >= logProbs[frame * width + width - 1]!;
}
