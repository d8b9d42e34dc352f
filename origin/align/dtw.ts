/**
 * Dynamic time warping: the cheapest way from the first token and frame to the last, one step at a time to the next
 * token, the next frame or both.
 *
 * @param cost row-major (rows, frames), finite
 * @returns the path's (row, frame) pairs in order; both arrays have its length
 */
export function dynamicTimeWarping(
  cost: Float32Array,
  shape: { readonly rows: number; readonly frames: number },
): WarpingPath {
  if (shape.rows === 0 || shape.frames === 0)
    return { rows: new Int32Array(), frames: new Int32Array() };
  return backtrack(searchSteps(cost, shape), shape);
}

export interface WarpingPath {
  readonly rows: Int32Array;
  readonly frames: Int32Array;
}

const BOTH = 0;
const NEXT_ROW = 1;
const NEXT_FRAME = 2;

/** The step that reached each cell at the least cost. On a tie: the next frame, so that no token is hurried. */
function searchSteps(
  cost: Float32Array,
  { rows, frames }: { readonly rows: number; readonly frames: number },
): Uint8Array {
  const steps = new Uint8Array(rows * frames);
  // totals[f + 1] is the cost of reaching frame f; the row above until it is overwritten.
  const totals = new Float64Array(frames + 1).fill(Number.POSITIVE_INFINITY);
  totals[0] = 0;
  for (let row = 0; row < rows; row++) {
    let diagonal = totals[0]!;
    totals[0] = Number.POSITIVE_INFINITY;
    let left = Number.POSITIVE_INFINITY;
    const offset = row * frames;
    for (let frame = 0; frame < frames; frame++) {
      const above = totals[frame + 1]!;
      let least = left;
      let step = NEXT_FRAME;
      if (above < least) {
        least = above;
        step = NEXT_ROW;
      }
      if (diagonal < least) {
        least = diagonal;
        step = BOTH;
      }
      left = least + cost[offset + frame]!;
      totals[frame + 1] = left;
      steps[offset + frame] = step;
      diagonal = above;
    }
  }
  return steps;
}

function backtrack(
  steps: Uint8Array,
  shape: { readonly rows: number; readonly frames: number },
): WarpingPath {
  const rows = new Int32Array(shape.rows + shape.frames - 1);
  const frames = new Int32Array(rows.length);
  let row = shape.rows - 1;
  let frame = shape.frames - 1;
  let at = rows.length;
  for (;;) {
    at--;
    rows[at] = row;
    frames[at] = frame;
    if (row === 0 && frame === 0) break;
    const step = steps[row * shape.frames + frame];
    if (step !== NEXT_FRAME) row--;
    if (step !== NEXT_ROW) frame--;
  }
  return { rows: rows.subarray(at), frames: frames.subarray(at) };
}
