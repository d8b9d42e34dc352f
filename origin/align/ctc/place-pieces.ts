/**
 * The path of a chunk → the frames of each piece of its words. A letter has the frames of its signs. What has no sign
 * shares the stretch between its neighbours: there the ways of saying its numbers are tried, and where none fits, it
 * lies between the first and the last frame in which anything is spoken.
 */
import { forcedAlign } from '#origin/align/ctc/forced-align.ts';
import type { AlignmentPlan, Piece } from '#origin/align/ctc/plan.ts';
import type { AlignmentPath, AlignmentTargets, EmissionMatrix } from '#origin/align/ctc/trellis.ts';

export interface PieceSpan {
  /** May lie within a frame, where pieces share a stretch. */
  readonly startFrame: number;
  readonly endFrame: number;
  /** How many signs were found, and the sum of their mean probabilities; 0 for what only fills a stretch. */
  readonly signs: number;
  readonly probabilitySum: number;
}

/** A span for each piece of the plan, in order; null where nothing is spoken between a wildcard's neighbours. */
export function placePieces(
  plan: AlignmentPlan,
  path: AlignmentPath,
  emissions: EmissionMatrix,
): (PieceSpan | null)[] {
  const found = plan.pieces.filter(({ isKnown }) => isKnown);
  const knownSpans = found.map((piece) => signSpan(piece, path, emissions, plan.targets));
  const least = leastProbability(knownSpans);
  const known = new Map(found.map((piece, index) => [piece, knownSpans[index]!]));
  const spans: (PieceSpan | null)[] = [];
  while (spans.length < plan.pieces.length) {
    const piece = plan.pieces[spans.length]!;
    const span = known.get(piece);
    if (span !== undefined) spans.push(span);
    else {
      const group = plan.pieces
        .slice(spans.length)
        .filter(({ firstTarget }) => firstTarget === piece.firstTarget);
      spans.push(...placeGroup(group, stretchOf(piece, path), { emissions, least }));
    }
  }
  return spans;
}

/** A spelling is taken for what was said when its signs are at least half as likely as the chunk's written ones. */
const LEAST_SHARE = 0.5;
/** Where the chunk has no written signs, or hardly believable ones. */
const USUAL_PROBABILITY = 0.6;
const LEAST_PROBABILITY = 0.1;

function leastProbability(spans: readonly PieceSpan[]): number {
  const signs = spans.reduce((sum, span) => sum + span.signs, 0);
  const total = spans.reduce((sum, span) => sum + span.probabilitySum, 0);
  const mean = signs === 0 ? USUAL_PROBABILITY : total / signs;
  return Math.max(LEAST_PROBABILITY, LEAST_SHARE * mean);
}

interface TargetRange {
  readonly firstTarget: number;
  readonly endTarget: number;
}

interface Stretch {
  readonly startFrame: number;
  readonly endFrame: number;
}

function signSpan(
  { firstTarget, endTarget }: TargetRange,
  path: AlignmentPath,
  emissions: EmissionMatrix,
  { columns }: AlignmentTargets,
): PieceSpan {
  let probabilitySum = 0;
  for (let target = firstTarget; target < endTarget; target++) {
    const start = path.startFrames[target]!;
    const end = path.endFrames[target]!;
    let sum = 0;
    for (let frame = start; frame < end; frame++) {
      sum += probability(emissions.logProbs[frame * emissions.width + columns[target]!]!);
    }
    probabilitySum += sum / (end - start);
  }
  return {
    startFrame: path.startFrames[firstTarget]!,
    endFrame: path.endFrames[endTarget - 1]!,
    signs: endTarget - firstTarget,
    probabilitySum,
  };
}

function probability(logProb: number): number {
  return Number.isNaN(logProb) ? 0 : Math.min(1, Math.exp(logProb));
}

/** From the target before to the one after. */
function stretchOf({ firstTarget, endTarget }: TargetRange, path: AlignmentPath): Stretch {
  return {
    startFrame: path.endFrames[firstTarget - 1] ?? 0,
    endFrame: path.startFrames[endTarget] ?? path.targetOfFrame.length,
  };
}

function placeGroup(
  group: readonly Piece[],
  stretch: Stretch,
  context: { readonly emissions: EmissionMatrix; readonly least: number },
): (PieceSpan | null)[] {
  const { emissions, least } = context;
  const part = { ...emissions, ...cut(emissions, stretch) };
  const best = bestSpelling(group, part);
  if (best === null || best.meanProbability < least) {
    return divide(spokenFrames(emissions, stretch), group);
  }
  return placeSpelled(group, best, part).map((span) => shifted(span, stretch.startFrame));
}

function cut(
  { logProbs, width }: EmissionMatrix,
  { startFrame, endFrame }: Stretch,
): Pick<EmissionMatrix, 'logProbs' | 'frames'> {
  return {
    logProbs: logProbs.subarray(startFrame * width, endFrame * width),
    frames: endFrame - startFrame,
  };
}

function shifted(span: PieceSpan | null, frames: number): PieceSpan | null {
  if (span === null) return null;
  return { ...span, startFrame: span.startFrame + frames, endFrame: span.endFrame + frames };
}

interface SpelledGroup {
  readonly targets: AlignmentTargets;
  /** Of each piece. */
  readonly ranges: readonly TargetRange[];
  readonly path: AlignmentPath;
  readonly meanProbability: number;
}

/** The likeliest way of saying the numbers of a group; they are all read the same way. */
function bestSpelling(group: readonly Piece[], part: EmissionMatrix): SpelledGroup | null {
  const ways = group.reduce((most, { spellings }) => Math.max(most, spellings.length), 0);
  let best: SpelledGroup | null = null;
  for (let way = 0; way < ways; way++) {
    const { targets, ranges } = spellGroup(group, way, part.width - 1);
    const aligned = forcedAlign(part, targets);
    if (!aligned.ok || (best !== null && aligned.value.logProb <= best.path.logProb)) continue;
    const signed = ranges.filter((_, index) => group[index]!.spellings.length > 0);
    const spans = signed.map((range) => signSpan(range, aligned.value, part, targets));
    const signs = spans.reduce((sum, span) => sum + span.signs, 0);
    const total = spans.reduce((sum, span) => sum + span.probabilitySum, 0);
    best = { targets, ranges, path: aligned.value, meanProbability: total / signs };
  }
  return best;
}

/** Numbers as signs, the rest as wildcards; neighbouring wildcards are one. */
function spellGroup(
  group: readonly Piece[],
  way: number,
  wildcard: number,
): Pick<SpelledGroup, 'targets' | 'ranges'> {
  const columns: number[] = [];
  const boundaries: number[] = [];
  const ranges = group.map(({ spellings }) => {
    const spelling = spellings[Math.min(way, spellings.length - 1)];
    if (spelling !== undefined) {
      columns.push(...spelling.columns);
      boundaries.push(...spelling.boundaries.subarray(0, -1));
    } else if (columns.at(-1) !== wildcard) {
      columns.push(wildcard);
      boundaries.push(1);
    }
    const firstTarget = columns.length - (spelling?.columns.length ?? 1);
    return { firstTarget, endTarget: columns.length };
  });
  const targets = {
    columns: Int32Array.from(columns),
    boundaries: Uint8Array.from([...boundaries, 1]),
  };
  return { targets, ranges };
}

function placeSpelled(
  group: readonly Piece[],
  { targets, ranges, path }: SpelledGroup,
  part: EmissionMatrix,
): (PieceSpan | null)[] {
  const spans: (PieceSpan | null)[] = [];
  while (spans.length < group.length) {
    const range = ranges[spans.length]!;
    if (group[spans.length]!.spellings.length > 0) {
      spans.push(signSpan(range, path, part, targets));
    } else {
      const same = group.filter((_, index) => ranges[index]!.firstTarget === range.firstTarget);
      spans.push(...divide(spokenFrames(part, stretchOf(range, path)), same));
    }
  }
  return spans;
}

/** From the first to the last frame in which any sign, not the delimiter, is likelier than the blank. */
function spokenFrames(
  emissions: EmissionMatrix,
  { startFrame, endFrame }: Stretch,
): Stretch | null {
  let start = startFrame;
  let end = endFrame;
  while (start < end && !isSpoken(emissions, start)) start++;
  while (end > start && !isSpoken(emissions, end - 1)) end--;
  return start < end ? { startFrame: start, endFrame: end } : null;
}

function isSpoken(emissions: EmissionMatrix, frame: number): boolean {
  const { logProbs, width, blankColumn, delimiterColumn } = emissions;
  const any = logProbs[frame * width + width - 1]!;
  const delimiter =
    delimiterColumn === null ? undefined : logProbs[frame * width + delimiterColumn];
  return (
    any > logProbs[frame * width + blankColumn]! && any > (delimiter ?? Number.NEGATIVE_INFINITY)
  );
}

/** Shares a stretch out by length. */
function divide(stretch: Stretch | null, pieces: readonly Piece[]): (PieceSpan | null)[] {
  if (stretch === null) return pieces.map(() => null);
  const total = pieces.reduce((sum, { letters }) => sum + letters, 0);
  const frames = stretch.endFrame - stretch.startFrame;
  let passed = 0;
  return pieces.map(({ letters }) => {
    const startFrame = stretch.startFrame + (frames * passed) / total;
    passed += letters;
    const endFrame = stretch.startFrame + (frames * passed) / total;
    return { startFrame, endFrame, signs: 0, probabilitySum: 0 };
  });
}
