/**
 * Matches rows with columns, one to one, so that the sum of the scores is largest (Hungarian method with potentials,
 * O(rows² · columns)). Pairs of score 0 or less are left apart: nothing speaks for them.
 *
 * @param scores `(rows, columns)`, finite.
 * @returns for each row its column, or -1.
 */
export function bestMatching(scores: readonly ArrayLike<number>[]): number[] {
  const rows = scores.length;
  const columns = scores[0]?.length ?? 0;
  if (rows === 0 || columns === 0) return new Array<number>(rows).fill(-1);
  if (rows > columns) {
    const back = bestMatching(transpose(scores, rows, columns));
    const result = new Array<number>(rows).fill(-1);
    for (const [column, row] of back.entries()) if (row >= 0) result[row] = column;
    return result;
  }
  const rowOf = matchAll(scores, rows, columns);
  const result = new Array<number>(rows).fill(-1);
  for (let column = 1; column <= columns; column += 1) {
    const row = rowOf[column]!;
    if (row > 0 && scores[row - 1]![column - 1]! > 0) result[row - 1] = column - 1;
  }
  return result;
}

/** Every row gets a column; rows ≤ columns. Rows and columns count from 1, 0 is none. */
function matchAll(scores: readonly ArrayLike<number>[], rows: number, columns: number): number[] {
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowOf = new Array<number>(columns + 1).fill(0);
  const before = new Int32Array(columns + 1);
  const slack = new Float64Array(columns + 1);
  const isDone = new Uint8Array(columns + 1);
  for (let start = 1; start <= rows; start += 1) {
    rowOf[0] = start;
    slack.fill(Number.POSITIVE_INFINITY);
    isDone.fill(0);
    let column = 0;
    do {
      isDone[column] = 1;
      const row = rowOf[column]!;
      let [least, next] = [Number.POSITIVE_INFINITY, 0];
      for (let j = 1; j <= columns; j += 1) {
        if (isDone[j]) continue;
        // A pair that costs something is no worse than none: it will be left apart.
        const cost =
          -Math.max(0, scores[row - 1]![j - 1]!) - rowPotential[row]! - columnPotential[j]!;
        if (cost < slack[j]!) {
          slack[j] = cost;
          before[j] = column;
        }
        if (slack[j]! < least) [least, next] = [slack[j]!, j];
      }
      for (let j = 0; j <= columns; j += 1) {
        if (isDone[j]) {
          rowPotential[rowOf[j]!]! += least;
          columnPotential[j]! -= least;
        } else {
          slack[j]! -= least;
        }
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      const previous = before[column]!;
      rowOf[column] = rowOf[previous]!;
      column = previous;
    }
  }
  return rowOf;
}

function transpose(
  scores: readonly ArrayLike<number>[],
  rows: number,
  columns: number,
): Float64Array[] {
  return Array.from({ length: columns }, (_, column) =>
    Float64Array.from({ length: rows }, (_, row) => scores[row]![column]!),
  );
}
