/** Log-probabilities, row-major (frames, width); the last column is the wildcard's. */
export interface EmissionMatrix {
  readonly logProbs: Float32Array;
  readonly frames: number;
  /** Columns with the wildcard's. */
  readonly width: number;
  readonly blankColumn: number;
  /** Null for a model that marks no space between words. */
  readonly delimiterColumn: number | null;
}

/** What was spoken, in order. */
export interface AlignmentTargets {
  /** A column for each target; `width - 1` is the wildcard. Two wildcards never follow one another. */
  readonly columns: Int32Array;
  /** Non-zero where words meet: entry i stands before target i, and the one after the last ends the text. */
  readonly boundaries: Uint8Array;
}

export interface AlignmentPath {
  /** Index of the target at each frame, -1 between targets. */
  readonly targetOfFrame: Int32Array;
  /** Target i has the frames `[startFrames[i], endFrames[i])`, at least one; they never decrease. */
  readonly startFrames: Int32Array;
  readonly endFrames: Int32Array;
  /** Of the whole path. Paths of other targets over the same frames may be compared with it. */
  readonly logProb: number;
}

/** How each cell of the trellis was reached best. */
export interface TrellisSteps {
  /** Row-major (frames, states): by how many states the path went on. */
  readonly steps: Uint8Array;
  /** 2 × targets + 1; odd ones are targets. */
  readonly states: number;
  readonly lastState: number;
  readonly logProb: number;
}

/**
 * Searches the trellis frame by frame. On a tie the path stays where it is, as in torchaudio.
 *
 * @param targets no more than the frames can hold
 */
export function searchSteps(emissions: EmissionMatrix, targets: AlignmentTargets): TrellisSteps {
  const { frames } = emissions;
  const states = 2 * targets.columns.length + 1;
  const steps = new Uint8Array(frames * states);
  const slots = slotOfStates(emissions, targets);
  const maySkip = skippable(targets.columns);
  const row = new Float64Array(emissions.width + 2);
  // totals[s + 2] belongs to state s; two unreachable states before the first save a test.
  let previous = new Float64Array(states + 2).fill(Number.NEGATIVE_INFINITY);
  let totals = previous.slice();
  if (frames > 0) readRow(emissions, 0, row);
  previous[2] = row[slots[0]!]!;
  if (states > 1) previous[3] = row[slots[1]!]!;
  for (let frame = 1; frame < frames; frame++) {
    readRow(emissions, frame, row);
    advance({ previous, totals, row, slots, maySkip }, steps, { frame, frames });
    [previous, totals] = [totals, previous];
  }
  const endsInBlank = states === 1 || previous[states + 1]! > previous[states]!;
  const lastState = endsInBlank ? states - 1 : states - 2;
  return { steps, states, lastState, logProb: previous[lastState + 2]! };
}

interface Column {
  readonly previous: Float64Array;
  readonly totals: Float64Array;
  readonly row: Float64Array;
  readonly slots: Int32Array;
  readonly maySkip: Uint8Array;
}

/** Writes the totals and steps of one frame. */
function advance(
  { previous, totals, row, slots, maySkip }: Column,
  steps: Uint8Array,
  { frame, frames }: { readonly frame: number; readonly frames: number },
): void {
  const states = slots.length;
  const offset = frame * states;
  // No state earlier than this one can still reach the end: the path goes on by two states a frame at most.
  const first = Math.max(0, states - 2 * (frames - frame));
  const end = Math.min(states, 2 * frame + 2);
  for (let state = first; state < end; state++) {
    let best = previous[state + 2]!;
    let step = 0;
    const before = previous[state + 1]!;
    if (before > best) {
      best = before;
      step = 1;
    }
    const skipping = maySkip[state] === 1 ? previous[state]! : Number.NEGATIVE_INFINITY;
    if (skipping > best) {
      best = skipping;
      step = 2;
    }
    totals[state + 2] = best + row[slots[state]!]!;
    steps[offset + state] = step;
  }
}

/** Walks the steps back from the last frame. */
export function backtrack(
  { steps, states, lastState, logProb }: TrellisSteps,
  size: { readonly frames: number; readonly targets: number },
): AlignmentPath {
  const targetOfFrame = new Int32Array(size.frames).fill(-1);
  const startFrames = new Int32Array(size.targets);
  const endFrames = new Int32Array(size.targets);
  let state = lastState;
  for (let frame = size.frames - 1; frame >= 0; frame--) {
    if (state % 2 === 1) {
      const target = state >> 1;
      targetOfFrame[frame] = target;
      startFrames[target] = frame;
      if (endFrames[target] === 0) endFrames[target] = frame + 1;
    }
    state -= steps[frame * states + state]!;
  }
  return { targetOfFrame, startFrames, endFrames, logProb };
}

/**
 * Frames in which any sign is spoken where none is written count as if they were 20 times less likely: a written sign
 * that the model takes for 5 % as likely as its best one keeps its frame.
 */
const UNWRITTEN_PRICE = Math.log(20);

const LEAST_LOG_PROB = -1000;

/** A frame's log-probabilities, then those of a word boundary and of the wildcard as a target. */
function readRow(emissions: EmissionMatrix, frame: number, row: Float64Array): void {
  const { logProbs, width, blankColumn, delimiterColumn } = emissions;
  const offset = frame * width;
  for (let column = 0; column < width; column++) {
    const value = logProbs[offset + column]!;
    row[column] = value > LEAST_LOG_PROB ? Math.min(0, value) : LEAST_LOG_PROB;
  }
  const blank = row[blankColumn]!;
  const wildcard = row[width - 1]!;
  const delimiter = delimiterColumn === null ? blank : row[delimiterColumn]!;
  row[width] = Math.max(blank, delimiter, wildcard - UNWRITTEN_PRICE);
  row[width + 1] = Math.max(blank, wildcard);
}

/** Which value of {@link readRow} each state takes. */
function slotOfStates(
  { width, blankColumn }: EmissionMatrix,
  { columns, boundaries }: AlignmentTargets,
): Int32Array {
  const slots = new Int32Array(2 * columns.length + 1);
  boundaries.forEach((isBoundary, index) => {
    slots[2 * index] = isBoundary === 0 ? blankColumn : width;
  });
  columns.forEach((column, index) => {
    slots[2 * index + 1] = column === width - 1 ? width + 1 : column;
  });
  return slots;
}

/** 1 where a state may be reached from the target before it without a blank between. */
function skippable(columns: Int32Array): Uint8Array {
  const flags = new Uint8Array(2 * columns.length + 1);
  for (let index = 1; index < columns.length; index++) {
    if (columns[index] !== columns[index - 1]) flags[2 * index + 1] = 1;
  }
  return flags;
}
