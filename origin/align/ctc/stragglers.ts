import type { PieceSpan } from '#origin/align/ctc/place-pieces.ts';
import type { AlignmentPlan } from '#origin/align/ctc/plan.ts';

/**
 * Takes the place from signs that lie apart from the rest of their word. Where the model misses a word's first or last
 * sound, the path takes the next best one, and that may be a noise seconds away: the word would last over the whole
 * pause. Of the parts of a word with more than a second between them, the likeliest is kept.
 *
 * @returns the spans, with null for those taken away
 */
export function dropStragglers(
  plan: AlignmentPlan,
  spans: readonly (PieceSpan | null)[],
): (PieceSpan | null)[] {
  const parts = new Map<number, Part[]>();
  spans.forEach((span, index) => {
    if (span === null) return;
    const { word } = plan.pieces[index]!;
    const known = parts.get(word) ?? [];
    const last = known.at(-1);
    if (last && span.startFrame - last.endFrame <= MAX_GAP_FRAMES) {
      last.endFrame = span.endFrame;
      last.endPiece = index + 1;
      last.weight += span.probabilitySum;
    } else known.push(partOf(span, index));
    parts.set(word, known);
  });
  const kept = spans.slice();
  for (const known of parts.values()) {
    const best = known.reduce((one, other) => (other.weight > one.weight ? other : one));
    for (const part of known) {
      if (part !== best) kept.fill(null, part.firstPiece, part.endPiece);
    }
  }
  return kept;
}

/** Nobody rests for 1 s inside a word; sung vowels are shorter mostly. */
const MAX_GAP_FRAMES = 50;

interface Part {
  readonly firstPiece: number;
  endPiece: number;
  endFrame: number;
  /** Sum of the probabilities of its signs. */
  weight: number;
}

function partOf({ endFrame, probabilitySum }: PieceSpan, index: number): Part {
  return { firstPiece: index, endPiece: index + 1, endFrame, weight: probabilitySum };
}
